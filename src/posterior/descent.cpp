#include "posterior/descent.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::posterior {
namespace {

/// How far ahead in a step the residual is extrapolated. A multistep scheme looks to the middle; half of that
/// is in the reverse variance already: with 10 levels the power of samples is then that of 30 without.
constexpr double look_ahead = 0.25;

}  // namespace

Descent::Descent(const HarmonicBasis& basis, std::vector<double> spectrum, std::vector<double> sigmas,
                 ResidualScore* residual)
    : basis_(&basis),
      spectrum_(std::move(spectrum)),
      sigmas_(std::move(sigmas)),
      residual_(residual),
      everywhere_(residual == nullptr ||
                  basis.comm().max(static_cast<std::uint64_t>(residual->domain().size())) == 0),
      white_(basis.mode_count()),
      noise_(basis.mode_count()),
      narrowed_(basis.mode_count()) {
  const std::size_t modes = basis.mode_count();
  TESSERA_REQUIRE(spectrum_.size() == modes && !sigmas_.empty() && sigmas_.back() > 0.0);
  TESSERA_REQUIRE(std::is_sorted(sigmas_.rbegin(), sigmas_.rend()));
  rest_.resize(sigmas_.size() * modes);
  const auto ell = basis.ell();
  for (std::size_t l = 0; l < sigmas_.size(); ++l)
    for (std::size_t k = 0; k < modes; ++k)
      rest_[l * modes + k] = gaussian_rest(spectrum_[k], sigmas_[l]) *
                             (residual != nullptr ? residual->variance_ratio(ell[k], sigmas_[l]) : 1.0);
}

std::vector<double> Descent::schedule(double highest, double lowest, std::size_t levels) {
  std::vector<double> sigmas{highest};
  for (std::size_t l = 1; l < levels; ++l)
    sigmas.push_back(
        highest * std::pow(lowest / highest, static_cast<double>(l) / (static_cast<double>(levels) - 1.0)));
  return sigmas;
}

void Descent::extrapolate(std::size_t level) {
  if (level > 0) {
    const double before = std::log(sigmas_[level - 1] / sigmas_[level]);
    const double ahead = level + 1 < sigmas_.size() ? std::log(sigmas_[level] / sigmas_[level + 1]) : before;
    for (std::size_t k = 0; k < white_.size(); ++k) {
      const Complex now = white_[k];
      white_[k] += look_ahead * ahead / before * (now - last_[k]);
      last_[k] = now;
    }
  } else {
    last_ = white_;
  }
}

void Descent::scale_noise(std::size_t level, double next) {
  const double sigma = sigmas_[level], kept = next * next / (sigma * sigma);
  const double* const rest = rest_.data() + level * noise_.size();
  const auto width = [&](double variance) {
    return std::sqrt(((1.0 - kept) * (1.0 - kept) * variance + (1.0 - kept) * next * next) *
                     basis_->pixel_area());
  };
  if (everywhere_) {
    for (std::size_t k = 0; k < noise_.size(); ++k) noise_[k] *= width(rest[k]);
    return;
  }
  // Outside of the domain the Gaussian prior's width; within, what the learned prior makes of it.
  for (std::size_t k = 0; k < noise_.size(); ++k) {
    const double gaussian = width(gaussian_rest(spectrum_[k], sigma));
    narrowed_[k] = (width(rest[k]) - gaussian) * noise_[k];
    noise_[k] *= gaussian;
  }
  pixels_.resize(basis_->pixel_count());
  basis_->synthesis(narrowed_, pixels_);
  const ConstPixels domain = residual_->domain();
  for (std::size_t p = 0; p < pixels_.size(); ++p) pixels_[p] *= domain[p] * basis_->pixel_area();
  basis_->synthesis_adjoint(pixels_, narrowed_);
  for (std::size_t k = 0; k < noise_.size(); ++k) noise_[k] += narrowed_[k];
}

void Descent::draw(Modes field, std::optional<ConstModes> white, std::uint64_t seed, std::uint32_t draw) {
  const std::size_t modes = basis_->mode_count();
  TESSERA_REQUIRE(field.size() == modes && (!white || white->size() == modes));
  for (std::size_t l = 0; l < sigmas_.size(); ++l) {
    const double sigma = sigmas_[l], next = l + 1 < sigmas_.size() ? sigmas_[l + 1] : 0.0;
    if (residual_ != nullptr) {
      if (l == 0 && white)
        std::copy(white->begin(), white->end(), white_.begin());
      else
        residual_->evaluate(field, sigma, white_);
      extrapolate(l);
    }
    basis_->white_noise(
        RandomStream(seed, Purpose::descent_noise, static_cast<std::uint32_t>(draw * sigmas_.size() + l)),
        Modes(noise_));
    scale_noise(l, next);
    const double kept = next * next / (sigma * sigma);
    for (std::size_t k = 0; k < modes; ++k) {
      const Complex mean = expected_mode(spectrum_[k], sigma, field[k], white_[k]);
      field[k] = kept * field[k] + (1.0 - kept) * mean + noise_[k];
    }
  }
}

}  // namespace tessera::posterior
