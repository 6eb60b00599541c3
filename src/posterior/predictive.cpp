#include "posterior/predictive.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::posterior {

std::vector<double> band_sums(const HarmonicBasis& basis, ConstModes modes,
                              const std::vector<double>& edges) {
  const auto ell = basis.ell();
  std::vector<double> sums;
  std::vector<Complex> part(modes.size());
  for (std::size_t band = 0; band + 1 < edges.size(); ++band) {
    for (std::size_t k = 0; k < modes.size(); ++k)
      part[k] = ell[k] >= edges[band] && ell[k] < edges[band + 1] ? modes[k] : Complex(0.0);
    sums.push_back(basis.dot(ConstModes(part), ConstModes(part)));
  }
  return sums;
}

double chi2_exceeded(double chi2, double dof) {
  const double width = 2.0 / (9.0 * dof);
  const double z = (std::cbrt(chi2 / dof) - (1.0 - width)) / std::sqrt(width);
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

PredictiveTests::PredictiveTests(const HarmonicBasis& basis, ConstPixels data, ConstPixels variance,
                                 std::vector<double> edges)
    : basis_(&basis),
      shear_(basis),
      data_(data),
      variance_(variance),
      edges_(std::move(edges)),
      residual_(data.size()),
      e_(basis.mode_count()),
      b_(basis.mode_count()) {
  const std::size_t n = basis.pixel_count();
  TESSERA_REQUIRE(data.size() == 2 * n && variance.size() == 2 * n);
  std::vector<double> observed(n);
  for (std::size_t p = 0; p < n; ++p) observed[p] = variance[p] > 0.0 ? 1.0 : 0.0;
  const double count = basis.dot(ConstPixels(observed), ConstPixels(observed));
  data_count_ = 2.0 * count;
  const double share = count / static_cast<double>(basis.total_pixels());
  const std::vector<Complex> ones(basis.mode_count(), 1.0);
  modes_in_band_ = band_sums(basis, ones, edges_);
  for (const double modes : modes_in_band_) scatter_.push_back(std::sqrt(2.0 / std::max(modes * share, 1.0)));
}

std::vector<double> PredictiveTests::band_power(ConstModes modes) const {
  // White noise of unit variance in the observed pixels has <|a_k|^2> = their share of the sky times a pixel.
  const double white = 0.5 * data_count_ / static_cast<double>(basis_->total_pixels()) / basis_->pixel_area();
  std::vector<double> power = band_sums(*basis_, modes, edges_);
  for (std::size_t b = 0; b < power.size(); ++b) power[b] /= std::max(modes_in_band_[b], 1.0) * white;
  return power;
}

PredictiveTests::Result PredictiveTests::operator()(ConstModes kappa) {
  shear_.apply(kappa, residual_);
  const std::size_t n = basis_->pixel_count();
  for (std::size_t i = 0; i < residual_.size(); ++i)
    residual_[i] = variance_[i] > 0.0 ? (data_[i] - residual_[i]) / std::sqrt(variance_[i]) : 0.0;
  const ConstPixels first = ConstPixels(residual_).first(n), second = ConstPixels(residual_).subspan(n, n);
  Result result{basis_->dot(first, first) + basis_->dot(second, second), {}, {}};
  basis_->shear_synthesis_adjoint(first, second, e_, b_);
  result.e_power = band_power(e_);
  result.b_power = band_power(b_);
  return result;
}

}  // namespace tessera::posterior
