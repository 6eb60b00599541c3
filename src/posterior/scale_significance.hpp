#pragma once

#include <vector>

#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// What samples say of the convergence smoothed at a scale, pixel by pixel: sums over samples of its values,
/// of their squares, and of the samples that exceed a threshold. This rank's pixels; nothing is collective.
struct ScaleSums {
  double samples = 0.0;
  std::vector<double> value, square, above;

  explicit ScaleSums(std::size_t pixels) : value(pixels), square(pixels), above(pixels) {}

  void add(const ScaleSums& more);

  /// Mean and standard deviation of the smoothed convergence, and the part of the samples above the
  /// threshold.
  [[nodiscard]] std::vector<double> mean() const;
  [[nodiscard]] std::vector<double> deviation() const;
  [[nodiscard]] std::vector<double> probability() const;
};

/// Smooths samples at a scale and counts them by a threshold.
class ScaleSignificance {
 public:
  /// scale: standard deviation of the Gaussian, radians; threshold: convergence. basis must outlive this.
  ScaleSignificance(const HarmonicBasis& basis, double scale, double threshold);

  /// Adds a sample, the coefficients kappa, to the sums. Collective.
  void add(ConstModes kappa, ScaleSums& sums);

  [[nodiscard]] double scale() const { return scale_; }
  [[nodiscard]] double threshold() const { return threshold_; }

 private:
  const HarmonicBasis* basis_;
  double scale_, threshold_;
  std::vector<Complex> modes_;
  std::vector<double> map_;
};

/// Standard deviation of the convergence smoothed at a scale (radians) under the prior with the spectrum of
/// posterior::pixel_spectrum. Collective.
[[nodiscard]] double smoothed_prior_rms(const HarmonicBasis& basis, const std::vector<double>& spectrum,
                                        double scale);

}  // namespace tessera::posterior
