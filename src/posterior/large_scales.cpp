#include "posterior/large_scales.hpp"

#include <algorithm>

namespace tessera::posterior {

using harmonic::Complex;

LargeScales::LargeScales(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
                         const inference::SignalCovariance& signal, ConstPixels inverse_variance,
                         const inference::GaussianPosterior& posterior, double below)
    : whole_(&posterior),
      truncated_(basis.truncated(below)),
      given_(forward.data_components() * basis.pixel_count()) {
  const HarmonicBasis& band = truncated_ ? *truncated_ : basis;
  const auto band_ell = band.ell();
  const double highest =
      basis.comm().max(band_ell.empty() ? 0.0 : *std::max_element(band_ell.begin(), band_ell.end()));
  for (std::size_t c = 0; c < forward.components(); ++c)
    for (std::size_t k = 0; k < basis.mode_count(); ++k) {
      if (truncated_ && basis.ell()[k] > highest) continue;
      places_.push_back(c * basis.mode_count() + k);
      marked_.push_back(c == 0 && basis.ell()[k] < below ? 1 : 0);
    }
  if (!truncated_) return;
  std::vector<double> spectra;
  for (const std::size_t place : places_) {
    const std::size_t component = place / basis.mode_count();
    const double root = signal.root(component, component, place % basis.mode_count());
    spectra.push_back(root * root);
  }
  forward_ = forward.on(band);
  signal_.emplace(band, forward.components(), spectra);
  band_ = std::make_unique<inference::GaussianPosterior>(band, *forward_, *signal_, inverse_variance);
}

bool LargeScales::draw(ConstModes right_side, std::uint64_t seed, std::uint32_t number,
                       const inference::CgOptions& options, Modes y) const {
  std::vector<Complex> others(y.begin(), y.end()), drawn(places_.size()), known(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    drawn[i] = y[places_[i]];
    known[i] = right_side[places_[i]];
    if (marked_[i] != 0) others[places_[i]] = 0.0;
  }
  whole_->response(others, given_);
  const inference::GaussianPosterior& posterior = band_ ? *band_ : *whole_;
  const bool converged = posterior.redraw(known, given_, marked_, seed, number, drawn, options).converged;
  for (std::size_t i = 0; i < places_.size(); ++i) y[places_[i]] = drawn[i];
  return converged;
}

}  // namespace tessera::posterior
