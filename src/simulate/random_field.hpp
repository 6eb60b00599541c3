#pragma once

#include <cstdint>
#include <vector>

#include "harmonic/harmonic_basis.hpp"
#include "inference/signal_covariance.hpp"

namespace tessera::simulate {

/// A convergence field and its shear, this rank's pixels.
struct Sky {
  std::vector<double> kappa, gamma1, gamma2;
};

/// A Gaussian convergence field with the given covariance (one component), this rank's pixels. Collective.
[[nodiscard]] std::vector<double> gaussian_kappa(const harmonic::HarmonicBasis& basis,
                                                 const inference::SignalCovariance& signal,
                                                 std::uint64_t seed, std::uint32_t realisation = 0);

/// A shifted-lognormal field, kappa = shift (exp(g - var(g)/2) - 1) with Gaussian g (Taruya et al. 2002;
/// Hilbert et al. 2011): mean 0, minimum -shift, and on the pixels the covariance that a Gaussian field of
/// `signal` would have. The power of g is that of ln(1 + xi(theta) / shift^2); where it is negative, for lack
/// of a lognormal field with that spectrum, it is set to zero. On the sphere the field is then cut at lmax.
/// Collective.
[[nodiscard]] std::vector<double> lognormal_kappa(const harmonic::HarmonicBasis& basis,
                                                  const inference::SignalCovariance& signal, double shift,
                                                  std::uint64_t seed, std::uint32_t realisation = 0);

/// The map without what the basis's modes do not hold (nothing on the plane), so that its shear belongs to it
/// mode by mode. Collective.
void limit_band(const harmonic::HarmonicBasis& basis, std::vector<double>& map);

/// A convergence field with its shear. Collective.
[[nodiscard]] Sky with_shear(const harmonic::HarmonicBasis& basis, std::vector<double> kappa);

}  // namespace tessera::simulate
