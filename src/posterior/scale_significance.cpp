#include "posterior/scale_significance.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"

namespace tessera::posterior {

ScaleSignificance::ScaleSignificance(const HarmonicBasis& basis, double scale, double threshold)
    : basis_(&basis),
      scale_(scale),
      threshold_(threshold),
      modes_(basis.mode_count()),
      map_(basis.pixel_count()) {}

void ScaleSignificance::add(ConstModes kappa, ScaleSums& sums) {
  const auto ell = basis_->ell();
  for (std::size_t k = 0; k < modes_.size(); ++k)
    modes_[k] = harmonic::gaussian_damping(ell[k], scale_) * kappa[k];
  basis_->synthesis(modes_, map_);
  for (std::size_t p = 0; p < map_.size(); ++p) {
    sums.value[p] += map_[p];
    sums.square[p] += map_[p] * map_[p];
    sums.above[p] += map_[p] > threshold_ ? 1.0 : 0.0;
  }
  sums.samples += 1.0;
}

void ScaleSums::add(const ScaleSums& more) {
  TESSERA_REQUIRE(more.value.size() == value.size());
  for (std::size_t p = 0; p < value.size(); ++p) {
    value[p] += more.value[p];
    square[p] += more.square[p];
    above[p] += more.above[p];
  }
  samples += more.samples;
}

std::vector<double> ScaleSums::mean() const {
  std::vector<double> result = value;
  for (double& sum : result) sum /= samples;
  return result;
}

std::vector<double> ScaleSums::deviation() const {
  std::vector<double> result = mean();
  const double n = samples;
  for (std::size_t p = 0; p < result.size(); ++p)
    result[p] = std::sqrt(std::max(square[p] / n - result[p] * result[p], 0.0) * n / std::max(n - 1.0, 1.0));
  return result;
}

std::vector<double> ScaleSums::probability() const {
  std::vector<double> result = above;
  for (double& count : result) count /= samples;
  return result;
}

double smoothed_prior_rms(const HarmonicBasis& basis, const std::vector<double>& spectrum, double scale) {
  std::vector<Complex> root(spectrum.size());
  for (std::size_t k = 0; k < root.size(); ++k)
    root[k] = std::sqrt(spectrum[k]) * harmonic::gaussian_damping(basis.ell()[k], scale);
  return std::sqrt(basis.dot(ConstModes(root), ConstModes(root)) / static_cast<double>(basis.total_pixels()));
}

}  // namespace tessera::posterior
