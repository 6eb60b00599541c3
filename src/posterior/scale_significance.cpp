#include "posterior/scale_significance.hpp"

#include <algorithm>
#include <cmath>

#include "harmonic/smoothing.hpp"

namespace tessera::posterior {
ScaleSignificance::ScaleSignificance(const HarmonicBasis& basis, double scale, double threshold)
    : basis_(&basis),
      scale_(scale),
      threshold_(threshold),
      modes_(basis.mode_count()),
      map_(basis.pixel_count()) {
  for (std::vector<double>* sum : {&sums_.value, &sums_.square, &sums_.above}) sum->assign(map_.size(), 0.0);
}

void ScaleSignificance::add(ConstModes kappa) {
  const auto ell = basis_->ell();
  for (std::size_t k = 0; k < modes_.size(); ++k)
    modes_[k] = harmonic::gaussian_damping(ell[k], scale_) * kappa[k];
  basis_->synthesis(modes_, map_);
  for (std::size_t p = 0; p < map_.size(); ++p) {
    sums_.value[p] += map_[p];
    sums_.square[p] += map_[p] * map_[p];
    sums_.above[p] += map_[p] > threshold_ ? 1.0 : 0.0;
  }
  sums_.samples += 1.0;
}

std::vector<double> ScaleSignificance::mean() const {
  std::vector<double> result = sums_.value;
  for (double& value : result) value /= sums_.samples;
  return result;
}

std::vector<double> ScaleSignificance::deviation() const {
  std::vector<double> result = mean();
  const double n = sums_.samples;
  for (std::size_t p = 0; p < result.size(); ++p)
    result[p] =
        std::sqrt(std::max(sums_.square[p] / n - result[p] * result[p], 0.0) * n / std::max(n - 1.0, 1.0));
  return result;
}

std::vector<double> ScaleSignificance::probability() const {
  std::vector<double> result = sums_.above;
  for (double& value : result) value /= sums_.samples;
  return result;
}

double smoothed_prior_rms(const HarmonicBasis& basis, const std::vector<double>& spectrum, double scale) {
  std::vector<Complex> root(spectrum.size());
  for (std::size_t k = 0; k < root.size(); ++k)
    root[k] = std::sqrt(spectrum[k]) * harmonic::gaussian_damping(basis.ell()[k], scale);
  return std::sqrt(basis.dot(ConstModes(root), ConstModes(root)) / static_cast<double>(basis.total_pixels()));
}

}  // namespace tessera::posterior
