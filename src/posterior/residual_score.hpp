#pragma once

#include "harmonic/harmonic_basis.hpp"

namespace tessera::posterior {

using harmonic::Complex;
using harmonic::ConstModes;
using harmonic::ConstPixels;
using harmonic::HarmonicBasis;
using harmonic::Modes;
using harmonic::Pixels;

/// What a prior adds to the Gaussian one: the difference of their scores for kappa blurred by white noise,
/// x = kappa + sigma z with <z^2> = 1 in each pixel (Remy et al. 2022, equation 12),
///     r = grad log p_sigma(x) - grad log N(x; 0, S + sigma^2),
/// given as w = (S + sigma^2)^(1/2) r, in which errors of every mode weigh as its own width. By Tweedie's
/// formula the mean of kappa given x is
///     D(x) = S / (S + sigma^2) x + sigma^2 (S + sigma^2)^(-1/2) w.
/// S and sigma^2 here are spectra in units in which white noise of pixel rms 1 has spectrum 1. Where the
/// prior is Gaussian w is zero.
class ResidualScore {
 public:
  ResidualScore() = default;
  ResidualScore(const ResidualScore&) = delete;
  ResidualScore& operator=(const ResidualScore&) = delete;
  ResidualScore(ResidualScore&&) = delete;
  ResidualScore& operator=(ResidualScore&&) = delete;
  virtual ~ResidualScore() = default;

  /// white: coefficients of the field w, this rank's; its mean is zero. Collective.
  virtual void evaluate(ConstModes noisy, double sigma, Modes white) = 0;

  /// Variance of kappa given x at a multipole over the Gaussian prior's, S sigma^2 / (S + sigma^2).
  [[nodiscard]] virtual double variance_ratio(double ell, double sigma) const = 0;

  /// Multipole below which it is exactly zero: there the prior is Gaussian, given the smaller scales.
  [[nodiscard]] virtual double gaussian_below() const { return 0.0; }

  /// Pixels where it is learned, 1, and where the prior is Gaussian, 0; empty if it is learned everywhere.
  [[nodiscard]] virtual ConstPixels domain() const { return {}; }

  /// Range of sigma that it knows; below the lowest, kappa differs from x as under the Gaussian prior.
  [[nodiscard]] virtual double lowest_sigma() const = 0;
  [[nodiscard]] virtual double highest_sigma() const = 0;
};

}  // namespace tessera::posterior
