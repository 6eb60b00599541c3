#include "network/score.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::network {
namespace {

// Units that bring the channels near one. They are part of what the weights mean.
constexpr double kappa_unit = 0.03, gaussian_unit = 0.02, condition_sigma = 0.03;

}  // namespace

void fill_score_inputs(std::span<const double> noisy, std::span<const double> gaussian, double sigma,
                       std::span<double> inputs) {
  const std::size_t n = noisy.size();
  TESSERA_REQUIRE(gaussian.size() == n && inputs.size() == score_inputs * n);
  const double scale = 1.0 / std::hypot(kappa_unit, sigma);
  for (std::size_t p = 0; p < n; ++p) {
    inputs[p] = scale * noisy[p];
    inputs[n + p] = gaussian[p] / gaussian_unit;
  }
}

double score_condition(double sigma) { return std::log(sigma / condition_sigma); }

NetworkScore::NetworkScore(const harmonic::HarmonicBasis& basis, std::vector<double> spectrum,
                           const std::shared_ptr<Network>& network, const ModelCard& card,
                           exchange::Tiling tiling, std::vector<double> domain)
    : basis_(&basis),
      spectrum_(std::move(spectrum)),
      card_(card),
      network_(basis.comm(), network, std::move(tiling), score_inputs),
      modes_(basis.mode_count()),
      noisy_(basis.pixel_count()),
      gaussian_(basis.pixel_count()),
      inputs_(score_inputs * basis.pixel_count()),
      output_(basis.pixel_count()),
      domain_(std::move(domain)),
      share_(basis.mode_count()) {
  TESSERA_REQUIRE(network->shape().outputs == 1 && spectrum_.size() == modes_.size());
  if (domain_.empty()) domain_.assign(basis.pixel_count(), 1.0);
  TESSERA_REQUIRE(domain_.size() == basis.pixel_count());
  for (std::size_t p = 0; p < domain_.size(); ++p) domain_[p] *= network_.covers(p) ? 1.0 : 0.0;
  domain_pixels_ = std::max(basis.dot(posterior::ConstPixels(domain_), posterior::ConstPixels(domain_)), 1.0);
  for (std::size_t k = 0; k < share_.size(); ++k)
    share_[k] = basis.pixel_area() * card_.residual_share(basis.ell()[k]);
}

void NetworkScore::evaluate(posterior::ConstModes noisy, double sigma, posterior::Modes white) {
  basis_->synthesis(noisy, noisy_);
  for (std::size_t k = 0; k < modes_.size(); ++k)
    modes_[k] = posterior::gaussian_gain(spectrum_[k], sigma) * noisy[k];
  basis_->synthesis(modes_, gaussian_);
  fill_score_inputs(noisy_, gaussian_, sigma, inputs_);
  // Beyond what it has been trained on a network does anything. Held at the border its output is bounded, and
  // the Gaussian prior, whose score grows, leads back.
  const std::size_t pixels = noisy_.size();
  for (std::size_t input = 0; input < score_inputs; ++input) {
    const auto [low, high] = card_.input_range(input, sigma);
    for (std::size_t p = 0; p < pixels; ++p) {
      double& value = inputs_[input * pixels + p];
      value = std::clamp(value, low, high);
    }
  }
  network_.evaluate(inputs_, output_, score_condition(sigma));
  const double mean =
      basis_->dot(posterior::ConstPixels(output_), posterior::ConstPixels(domain_)) / domain_pixels_;
  for (std::size_t p = 0; p < output_.size(); ++p) output_[p] = (output_[p] - mean) * domain_[p];
  basis_->synthesis_adjoint(output_, white);
  for (std::size_t k = 0; k < white.size(); ++k) white[k] *= share_[k];
}

double NetworkScore::variance_ratio(double ell, double sigma) const {
  return card_.variance_ratio(ell, sigma);
}

}  // namespace tessera::network
