#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tessera::posterior {

/// What samples of a map say pixel by pixel. Keeps every sample in single precision, which is what its
/// figures are made of: so they may be added in any number of runs. This rank's pixels; nothing is
/// collective.
class SampleSummary {
 public:
  explicit SampleSummary(std::size_t pixels) : pixels_(pixels) {}

  void add(std::span<const double> sample);
  /// Adds the samples of `later` after those that are here.
  void append(SampleSummary later);

  [[nodiscard]] std::size_t pixels() const { return pixels_; }
  [[nodiscard]] std::size_t count() const { return samples_.size(); }
  [[nodiscard]] const std::vector<float>& sample(std::size_t number) const { return samples_[number]; }

  [[nodiscard]] std::vector<double> mean() const;
  /// With n - 1; of at least two samples.
  [[nodiscard]] std::vector<double> deviation() const;
  /// <d^3> / <d^2>^(3/2); 0 where there is no scatter.
  [[nodiscard]] std::vector<double> skewness() const;
  /// Linear between order statistics, as numpy's default; part from 0 to 1.
  [[nodiscard]] std::vector<double> quantile(double part) const;
  /// Part of the samples that are above the threshold.
  [[nodiscard]] std::vector<double> part_above(double threshold) const;

 private:
  /// Mean over samples of f(difference from the mean).
  template <class F>
  [[nodiscard]] std::vector<double> central(F f) const;

  std::size_t pixels_;
  std::vector<std::vector<float>> samples_;
};

}  // namespace tessera::posterior
