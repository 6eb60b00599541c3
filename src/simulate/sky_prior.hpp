#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulate/halo_sky.hpp"
#include "theory/cosmology.hpp"
#include "theory/halo_model.hpp"

namespace tessera::simulate {

enum class SkyKind { gaussian, lognormal, halo };

/// What one sky is made with.
struct SkyParameters {
  SkyKind kind = SkyKind::halo;
  theory::Cosmology cosmology;
  double amplitude = 1.0;  // factor on the requested spectrum
  double shift = 0.035;    // lognormal: kappa is never below -shift
  theory::HaloOptions haloes;
  HaloShapes shapes;
};

/// A parameter's value, or the range it is drawn from, uniformly.
struct Range {
  double low, high;
  [[nodiscard]] bool varies() const { return high > low; }
  [[nodiscard]] double middle() const { return 0.5 * (low + high); }
};

/// From what the parameters of skies are drawn: the wider, the more a network trained on the skies will
/// forgive.
struct SkyPrior {
  std::vector<SkyKind> kinds;  // with equal chances
  Range omega_m, omega_b, h, sigma8, n_s;
  Range amplitude, shift;
  theory::MassFunction mass_function;
  Range min_mass, concentration, concentration_scatter, axis_ratio, subhaloes, core;

  /// Parameters of sky `realisation`; any rank finds the same.
  [[nodiscard]] SkyParameters draw(std::uint64_t seed, std::uint32_t realisation) const;

  /// The cosmology in the middle of the ranges: the requested spectrum is taken to hold there.
  [[nodiscard]] theory::Cosmology reference() const;
  [[nodiscard]] bool cosmology_varies() const;
  [[nodiscard]] bool has_haloes() const;
};

/// Names and values of the parameters for tables.
[[nodiscard]] std::vector<std::string> parameter_names();
[[nodiscard]] std::vector<double> parameter_values(const SkyParameters& sky);

[[nodiscard]] const char* name_of(SkyKind kind);

}  // namespace tessera::simulate
