#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::inference {

/// Per-pixel variance of a Gaussian posterior from its exact draws, sharper than their sample variance.
///
/// A draw's difference from the mean, d, is made from a draw u of the prior, and cov(d, u) = var(d) pixel by
/// pixel. Hence u - d is independent of d, and its variance is what the data took away: prior - posterior.
/// Two independent estimates of one number, s = mean d^2 and s = prior - mean (u - d)^2, are weighed by their
/// information
///     1 / var(s) = (n / 2) (1 / s^2 + 1 / (prior - s)^2),
/// so n draws are worth n (1 + s^2 / (prior - s)^2) of a plain sample variance: many more where data are
/// weak. The weights come from smoothed maps, so that a pixel's own noise does not bias its estimate.
class PosteriorVariance {
 public:
  /// prior_variance: of a pixel of the field, the same for all. basis must outlive the object.
  PosteriorVariance(const harmonic::HarmonicBasis& basis, double prior_variance);

  /// Adds one draw: its difference from the mean and the prior's draw behind it, this rank's pixels.
  void add(std::span<const double> fluctuation, std::span<const double> prior_draw);

  /// The estimate per pixel after at least one draw, in [0, prior variance]. Collective.
  [[nodiscard]] std::vector<double> variance() const;

  /// How many draws of a plain sample variance the estimate is worth at a pixel of the given variance.
  [[nodiscard]] double effective_draws(double variance) const;

 private:
  const harmonic::HarmonicBasis* basis_;
  double prior_;
  std::uint64_t draws_ = 0;
  std::vector<double> kept_, taken_;  // sums of d^2 and of (u - d)^2
};

}  // namespace tessera::inference
