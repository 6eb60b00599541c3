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

/// The correlation function xi between pixel 0 and every pixel: on the periodic plane all there is to know.
std::vector<double> correlation(const harmonic::PlaneBasis& basis,
                                const inference::SignalCovariance& signal) {
  const double per_area = 1.0 / std::sqrt(basis.pixel_area() * static_cast<double>(basis.total_pixels()));
  std::vector<Complex> modes(basis.mode_count());
  for (std::size_t k = 0; k < modes.size(); ++k) {
    const double root = signal.root(0, 0, k);
    modes[k] = per_area * root * root;
  }
  std::vector<double> xi(basis.pixel_count());
  basis.synthesis(modes, xi);
  return xi;
}

/// Inverse of correlation(): the roots of the power of every mode.
std::vector<double> power_roots(const harmonic::PlaneBasis& basis, const std::vector<double>& xi) {
  const double area = basis.pixel_area() * static_cast<double>(basis.total_pixels());
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(xi, modes);
  std::vector<double> roots(modes.size());
  for (std::size_t k = 0; k < modes.size(); ++k)
    roots[k] = std::sqrt(std::max(0.0, basis.pixel_area() * std::sqrt(area) * modes[k].real()));
  return roots;
}

}  // namespace

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

std::vector<double> lognormal_kappa(const harmonic::PlaneBasis& basis,
                                    const inference::SignalCovariance& signal, double shift,
                                    std::uint64_t seed, std::uint32_t realisation) {
  TESSERA_REQUIRE(signal.components() == 1 && shift > 0.0);
  std::vector<double> xi = correlation(basis, signal);
  for (double& value : xi) value = std::log1p(std::max(value, -0.99 * shift * shift) / (shift * shift));
  const std::vector<double> roots = power_roots(basis, xi);

  std::vector<Complex> modes = white_modes(basis, seed, realisation);
  for (std::size_t k = 0; k < modes.size(); ++k) modes[k] *= roots[k];
  std::vector<double> field(basis.pixel_count());
  basis.synthesis(modes, field);
  // Variance of g after the negative powers were cut, from its roots: <g^2> = sum of power / area.
  std::vector<Complex> as_modes(roots.begin(), roots.end());
  const double area = basis.pixel_area() * static_cast<double>(basis.total_pixels());
  const double variance = basis.dot(harmonic::ConstModes(as_modes), harmonic::ConstModes(as_modes)) / area;
  for (double& value : field) value = shift * std::expm1(value - 0.5 * variance);
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
