#include "simulate/random_field.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::simulate {
namespace {

using harmonic::Complex;

/// Modes of a field of unit power.
std::vector<Complex> white_modes(const harmonic::HarmonicBasis& basis, std::uint64_t seed,
                                 std::uint32_t realisation) {
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(seed, Purpose::truth_field, realisation), harmonic::Modes(modes));
  return modes;
}

}  // namespace

void limit_band(const harmonic::HarmonicBasis& basis, std::vector<double>& map) {
  if (basis.complete()) return;
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(map, modes);
  for (Complex& mode : modes) mode *= basis.pixel_area();
  basis.synthesis(modes, map);
}

std::vector<double> gaussian_kappa(const harmonic::HarmonicBasis& basis,
                                   const inference::SignalCovariance& signal, std::uint64_t seed,
                                   std::uint32_t realisation) {
  TESSERA_REQUIRE(signal.components() == 1);
  std::vector<Complex> modes = white_modes(basis, seed, realisation);
  signal.apply_root(modes, modes);
  std::vector<double> kappa(basis.pixel_count());
  basis.synthesis(modes, kappa);
  return kappa;
}

std::vector<double> lognormal_kappa(const harmonic::HarmonicBasis& basis,
                                    const inference::SignalCovariance& signal, double shift,
                                    std::uint64_t seed, std::uint32_t realisation) {
  TESSERA_REQUIRE(signal.components() == 1 && shift > 0.0);
  std::vector<double> power(basis.mode_count());
  for (std::size_t k = 0; k < power.size(); ++k) power[k] = signal.root(0, 0, k) * signal.root(0, 0, k);
  std::vector<double> roots = basis.transformed_correlation(power, [shift](double xi) {
    return std::log1p(std::max(xi, -0.99 * shift * shift) / (shift * shift));
  });
  for (double& value : roots) value = std::sqrt(std::max(0.0, value));

  std::vector<Complex> modes = white_modes(basis, seed, realisation);
  for (std::size_t k = 0; k < modes.size(); ++k) modes[k] *= roots[k];
  std::vector<double> field(basis.pixel_count());
  basis.synthesis(modes, field);
  // Variance of g after the negative powers were cut, from its roots: <g^2> = sum of power / area.
  std::vector<Complex> as_modes(roots.begin(), roots.end());
  const double area = basis.pixel_area() * static_cast<double>(basis.total_pixels());
  const double variance = basis.dot(harmonic::ConstModes(as_modes), harmonic::ConstModes(as_modes)) / area;
  for (double& value : field) value = shift * std::expm1(value - 0.5 * variance);
  limit_band(basis, field);
  return field;
}

Sky with_shear(const harmonic::HarmonicBasis& basis, std::vector<double> kappa) {
  Sky sky{std::move(kappa), std::vector<double>(basis.pixel_count()),
          std::vector<double>(basis.pixel_count())};
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(sky.kappa, modes);
  for (Complex& mode : modes) mode *= basis.pixel_area();
  basis.shear_synthesis(modes, {}, sky.gamma1, sky.gamma2);
  return sky;
}

}  // namespace tessera::simulate
