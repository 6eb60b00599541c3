#pragma once

#include <cmath>
#include <vector>

#include "inference/signal_covariance.hpp"

namespace tessera::posterior {

/// Prior spectrum of one field at every local mode in units of pixels: white noise of pixel rms s has the
/// spectrum s^2. So S and sigma^2 may be added.
[[nodiscard]] std::vector<double> pixel_spectrum(const harmonic::HarmonicBasis& basis,
                                                 const inference::SignalCovariance& signal);

/// Blurred by noise of pixel rms sigma, the mode with spectrum s: the share of it that the Gaussian prior
/// takes for kappa, and the factor of the white residual in the mean of kappa (ResidualScore).
[[nodiscard]] inline double gaussian_gain(double s, double sigma) { return s / (s + sigma * sigma); }
[[nodiscard]] inline double residual_unit(double s, double sigma) {
  return sigma * sigma / std::sqrt(s + sigma * sigma);
}
/// Mean of kappa in a mode given that of x and of the white residual.
[[nodiscard]] inline harmonic::Complex expected_mode(double s, double sigma, harmonic::Complex noisy,
                                                     harmonic::Complex white) {
  return gaussian_gain(s, sigma) * noisy + residual_unit(s, sigma) * white;
}
/// Variance that the Gaussian prior leaves to kappa.
[[nodiscard]] inline double gaussian_rest(double s, double sigma) {
  return s * sigma * sigma / (s + sigma * sigma);
}

}  // namespace tessera::posterior
