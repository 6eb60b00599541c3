#include "posterior/sample_summary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/error.hpp"

namespace tessera::posterior {

void SampleSummary::add(std::span<const double> sample) {
  TESSERA_REQUIRE(sample.size() == pixels_);
  samples_.emplace_back(sample.begin(), sample.end());
}

void SampleSummary::append(SampleSummary later) {
  TESSERA_REQUIRE(later.pixels_ == pixels_);
  std::move(later.samples_.begin(), later.samples_.end(), std::back_inserter(samples_));
}

std::vector<double> SampleSummary::mean() const {
  TESSERA_REQUIRE(!samples_.empty());
  std::vector<double> mean(pixels_, 0.0);
  for (const auto& sample : samples_)
    for (std::size_t p = 0; p < pixels_; ++p) mean[p] += sample[p];
  for (double& value : mean) value /= static_cast<double>(samples_.size());
  return mean;
}

template <class F>
std::vector<double> SampleSummary::central(F f) const {
  const std::vector<double> centre = mean();
  std::vector<double> sums(pixels_, 0.0);
  for (const auto& sample : samples_)
    for (std::size_t p = 0; p < pixels_; ++p) sums[p] += f(sample[p] - centre[p]);
  for (double& sum : sums) sum /= static_cast<double>(samples_.size());
  return sums;
}

std::vector<double> SampleSummary::deviation() const {
  TESSERA_REQUIRE(samples_.size() > 1);
  const auto n = static_cast<double>(samples_.size());
  std::vector<double> result = central([](double d) { return d * d; });
  for (double& value : result) value = std::sqrt(value * n / (n - 1.0));
  return result;
}

std::vector<double> SampleSummary::skewness() const {
  const std::vector<double> square = central([](double d) { return d * d; });
  std::vector<double> result = central([](double d) { return d * d * d; });
  for (std::size_t p = 0; p < pixels_; ++p)
    result[p] = square[p] > 0.0 ? result[p] / std::pow(square[p], 1.5) : 0.0;
  return result;
}

std::vector<double> SampleSummary::quantile(double part) const {
  TESSERA_REQUIRE(!samples_.empty() && part >= 0.0 && part <= 1.0);
  const double place = part * static_cast<double>(samples_.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(place);
  std::vector<double> result(pixels_);
  std::vector<float> values(samples_.size());
  for (std::size_t p = 0; p < pixels_; ++p) {
    for (std::size_t s = 0; s < values.size(); ++s) values[s] = samples_[s][p];
    std::nth_element(values.begin(), values.begin() + below, values.end());
    const double low = values[static_cast<std::size_t>(below)];
    const auto above = std::min_element(values.begin() + below + 1, values.end());
    result[p] = above == values.end() ? low : low + (place - static_cast<double>(below)) * (*above - low);
  }
  return result;
}

std::vector<double> SampleSummary::part_above(double threshold) const {
  TESSERA_REQUIRE(!samples_.empty());
  std::vector<double> part(pixels_, 0.0);
  for (const auto& sample : samples_)
    for (std::size_t p = 0; p < pixels_; ++p) part[p] += sample[p] > threshold ? 1.0 : 0.0;
  for (double& value : part) value /= static_cast<double>(samples_.size());
  return part;
}

}  // namespace tessera::posterior
