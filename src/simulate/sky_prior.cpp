#include "simulate/sky_prior.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/random.hpp"

namespace tessera::simulate {
namespace {

theory::Cosmology cosmology_of(double omega_m, double omega_b, double h, double sigma8, double n_s) {
  return {omega_m, omega_b, h, sigma8, n_s};
}

}  // namespace

SkyParameters SkyPrior::draw(std::uint64_t seed, std::uint32_t realisation) const {
  TESSERA_REQUIRE(!kinds.empty());
  const RandomStream stream(seed, Purpose::sky_parameter, realisation);
  // The number of a parameter fixes its random number: to widen one range changes no other parameter.
  const auto value = [&](std::uint64_t number, const Range& range) {
    return range.varies() ? range.low + (range.high - range.low) * stream.uniforms(number)[0] : range.low;
  };
  const auto kind = static_cast<std::size_t>(stream.uniforms(0)[0] * static_cast<double>(kinds.size()));
  SkyParameters sky;
  sky.kind = kinds[std::min(kind, kinds.size() - 1)];
  sky.cosmology =
      cosmology_of(value(1, omega_m), value(2, omega_b), value(3, h), value(4, sigma8), value(5, n_s));
  sky.amplitude = value(6, amplitude);
  sky.shift = value(7, shift);
  sky.haloes = {mass_function, value(8, min_mass), theory::HaloOptions{}.max_mass, value(9, concentration),
                value(10, concentration_scatter)};
  sky.shapes.axis_ratio = value(11, axis_ratio);
  sky.shapes.subhaloes = value(12, subhaloes);
  sky.shapes.core = value(13, core);
  return sky;
}

theory::Cosmology SkyPrior::reference() const {
  return cosmology_of(omega_m.middle(), omega_b.middle(), h.middle(), sigma8.middle(), n_s.middle());
}

bool SkyPrior::cosmology_varies() const {
  return omega_m.varies() || omega_b.varies() || h.varies() || sigma8.varies() || n_s.varies();
}

bool SkyPrior::has_haloes() const {
  return std::find(kinds.begin(), kinds.end(), SkyKind::halo) != kinds.end();
}

std::vector<std::string> parameter_names() {
  return {"kind",
          "omega_m",
          "omega_b",
          "h",
          "sigma8",
          "n_s",
          "amplitude",
          "shift",
          "min_halo_mass",
          "concentration",
          "concentration_scatter",
          "axis_ratio",
          "subhaloes",
          "core"};
}

std::vector<double> parameter_values(const SkyParameters& sky) {
  return {static_cast<double>(sky.kind),
          sky.cosmology.omega_m,
          sky.cosmology.omega_b,
          sky.cosmology.h,
          sky.cosmology.sigma8,
          sky.cosmology.n_s,
          sky.amplitude,
          sky.shift,
          sky.haloes.min_mass,
          sky.haloes.concentration,
          sky.haloes.concentration_scatter,
          sky.shapes.axis_ratio,
          sky.shapes.subhaloes,
          sky.shapes.core};
}

const char* name_of(SkyKind kind) {
  switch (kind) {
    case SkyKind::gaussian:
      return "gaussian";
    case SkyKind::lognormal:
      return "lognormal";
    default:
      return "halo";
  }
}

}  // namespace tessera::simulate
