#pragma once

#include <vector>

#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// How surely the convergence smoothed at a scale exceeds a threshold, pixel by pixel, from samples.
class ScaleSignificance {
 public:
  /// scale: standard deviation of the Gaussian, radians; threshold: convergence. basis must outlive this.
  ScaleSignificance(const HarmonicBasis& basis, double scale, double threshold);

  /// kappa: coefficients of a sample. Collective.
  void add(ConstModes kappa);

  [[nodiscard]] double scale() const { return scale_; }
  [[nodiscard]] double threshold() const { return threshold_; }

  /// This rank's pixels: mean and standard deviation of the smoothed convergence, and the part of the samples
  /// above the threshold.
  [[nodiscard]] std::vector<double> mean() const;
  [[nodiscard]] std::vector<double> deviation() const;
  [[nodiscard]] std::vector<double> probability() const;

  /// Sums of values, of squares and of samples above, this rank's pixels, for checkpoints.
  struct Sums {
    double samples = 0.0;
    std::vector<double> value, square, above;
  };
  [[nodiscard]] const Sums& sums() const { return sums_; }
  void restore(Sums sums) { sums_ = std::move(sums); }

 private:
  const HarmonicBasis* basis_;
  double scale_, threshold_;
  Sums sums_;
  std::vector<Complex> modes_;
  std::vector<double> map_;
};

/// Standard deviation of the convergence smoothed at a scale (radians) under the prior with the spectrum of
/// posterior::pixel_spectrum. Collective.
[[nodiscard]] double smoothed_prior_rms(const HarmonicBasis& basis, const std::vector<double>& spectrum,
                                        double scale);

}  // namespace tessera::posterior
