#include "inference/posterior_variance.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"

namespace tessera::inference {

PosteriorVariance::PosteriorVariance(const harmonic::HarmonicBasis& basis, double prior_variance)
    : basis_(&basis), prior_(prior_variance), kept_(basis.pixel_count()), taken_(basis.pixel_count()) {
  TESSERA_REQUIRE(prior_variance > 0.0);
}

void PosteriorVariance::add(std::span<const double> fluctuation, std::span<const double> prior_draw) {
  TESSERA_REQUIRE(fluctuation.size() == kept_.size() && prior_draw.size() == kept_.size());
  for (std::size_t p = 0; p < kept_.size(); ++p) {
    const double taken = prior_draw[p] - fluctuation[p];
    kept_[p] += fluctuation[p] * fluctuation[p];
    taken_[p] += taken * taken;
  }
  ++draws_;
}

std::vector<double> PosteriorVariance::variance() const {
  TESSERA_REQUIRE(draws_ > 0);
  const double several_pixels = 5.0 * std::sqrt(basis_->pixel_area());
  const std::vector<double> kept = harmonic::smoothed(*basis_, kept_, several_pixels);
  const std::vector<double> taken = harmonic::smoothed(*basis_, taken_, several_pixels);
  const auto n = static_cast<double>(draws_);
  std::vector<double> result(kept_.size());
  for (std::size_t p = 0; p < result.size(); ++p) {
    const double weight = taken[p] * taken[p] / (kept[p] * kept[p] + taken[p] * taken[p]);
    const double estimate = weight * kept_[p] / n + (1.0 - weight) * (prior_ - taken_[p] / n);
    // A few draws can overshoot either bound.
    result[p] = std::clamp(estimate, std::min(weight * kept_[p] / n, prior_), prior_);
  }
  return result;
}

double PosteriorVariance::effective_draws(double variance) const {
  const double ratio = variance / std::max(prior_ - variance, 1e-6 * prior_);
  return static_cast<double>(draws_) * (1.0 + ratio * ratio);
}

}  // namespace tessera::inference
