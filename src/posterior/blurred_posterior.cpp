#include "posterior/blurred_posterior.hpp"

#include <cmath>

#include "core/error.hpp"

namespace tessera::posterior {
namespace {

/// Spectra of the blurred components: all have the noise, the first the signal too.
std::vector<double> blurred_spectra(const HarmonicBasis& basis, std::span<const double> spectrum,
                                    std::size_t components, double sigma) {
  const std::size_t modes = basis.mode_count();
  TESSERA_REQUIRE(spectrum.size() == modes);
  std::vector<double> spectra(components * modes, sigma * sigma * basis.pixel_area());
  for (std::size_t k = 0; k < modes; ++k) spectra[k] += spectrum[k] * basis.pixel_area();
  return spectra;
}

std::vector<double> inverse_of_rest(ConstPixels variance, double sigma) {
  std::vector<double> inverse(variance.size());
  for (std::size_t p = 0; p < variance.size(); ++p)
    inverse[p] = variance[p] > 0.0 ? 1.0 / (variance[p] - sigma * sigma) : 0.0;
  return inverse;
}

}  // namespace

BlurredPosterior::BlurredPosterior(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
                                   std::span<const double> spectrum, ConstPixels data, ConstPixels variance,
                                   double sigma, ResidualScore* residual)
    : basis_(&basis),
      components_(forward.components()),
      sigma_(sigma),
      residual_(residual),
      data_(data),
      inverse_variance_(inverse_of_rest(variance, sigma)),
      signal_(basis, forward.components(), blurred_spectra(basis, spectrum, forward.components(), sigma)),
      gaussian_(basis, forward, signal_, inverse_variance_),
      mass_(size()),
      right_side_(size()),
      blurred_(basis.mode_count()) {
  const std::size_t pixels = basis.pixel_count(), modes = basis.mode_count();
  for (const double inverse : inverse_variance_) TESSERA_REQUIRE(inverse >= 0.0 && std::isfinite(inverse));
  std::vector<double> mean(forward.data_components()), observed(pixels);
  for (std::size_t d = 0; d < mean.size(); ++d) {
    const ConstPixels inverse = ConstPixels(inverse_variance_).subspan(d * pixels, pixels);
    for (std::size_t p = 0; p < pixels; ++p) observed[p] = inverse[p] > 0.0 ? 1.0 : 0.0;
    const double count = basis.dot(ConstPixels(observed), ConstPixels(observed));
    mean[d] = count > 0.0 ? basis.dot(inverse, ConstPixels(observed)) / count : 0.0;
  }
  for (std::size_t c = 0; c < components_; ++c) {
    const double information = forward.normal_diagonal(c, mean);
    for (std::size_t k = 0; k < modes; ++k) {
      const double root = signal_.root(c, c, k);
      mass_[c * modes + k] = 1.0 + root * root * information;
    }
  }
  gaussian_.right_side(data, right_side_);
  if (residual != nullptr && residual->gaussian_below() > 0.0)
    large_scales_.emplace(basis, forward, signal_, inverse_variance_, gaussian_, residual->gaussian_below());
}

double BlurredPosterior::stiffness(ConstModes at) {
  // M^-1/2 K M^-1/2 has the eigenvalues of M^-1 K. Differences over a length of 1, one standard deviation of
  // a single mode, are far above the network's rounding.
  Gradient here, there;
  gradient(at, here);
  std::vector<Complex> direction(size()), place(size());
  white_noise(1, Purpose::chain_momentum, 0, direction);
  double value = 1.0;
  constexpr int iterations = 20;
  for (int i = 0; i < iterations; ++i) {
    const double length = std::sqrt(dot(direction, direction));
    for (std::size_t k = 0; k < place.size(); ++k) {
      direction[k] /= length;
      place[k] = at[k] + direction[k] / std::sqrt(mass_[k]);
    }
    gradient(place, there);
    for (std::size_t k = 0; k < place.size(); ++k) {
      Complex change = here.gaussian[k] - there.gaussian[k];
      if (k < here.residual.size()) change += here.residual[k] - there.residual[k];
      place[k] = change / std::sqrt(mass_[k]);
    }
    value = std::sqrt(dot(place, place));
    direction.swap(place);
  }
  return value;
}

void BlurredPosterior::unwhiten(ConstModes y, Modes x) const {
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = signal_.root(0, 0, k) * y[k];
}

void BlurredPosterior::whiten(ConstModes x, Modes y) const {
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double root = signal_.root(0, 0, k);
    y[k] = root > 0.0 ? x[k] / root : Complex(0.0);
  }
}

void BlurredPosterior::gradient(ConstModes y, Gradient& out) {
  TESSERA_REQUIRE(y.size() == size());
  out.gaussian.resize(size());
  gaussian_.apply_precision(y, out.gaussian);
  for (std::size_t k = 0; k < y.size(); ++k) out.gaussian[k] = right_side_[k] - out.gaussian[k];
  if (residual_ == nullptr) return;
  out.residual.resize(basis_->mode_count());
  unwhiten(y, blurred_);
  residual_->evaluate(blurred_, sigma_, out.residual);
  // From coefficients of a field in pixels to those of unit variance.
  const double unit = 1.0 / std::sqrt(basis_->pixel_area());
  for (Complex& mode : out.residual) mode *= unit;
}

double BlurredPosterior::gaussian_log_density(ConstModes y, const Gradient& at_y) const {
  // The gradient is b - K y, so that b y - y K y / 2 = (b + gradient) y / 2.
  return 0.5 * (dot(right_side_, y) + dot(at_y.gaussian, y));
}

bool BlurredPosterior::gaussian_mean(const inference::CgOptions& options, Modes y) const {
  std::fill(y.begin(), y.end(), Complex(0.0));
  return gaussian_.mean(data_, y, options).converged;
}

bool BlurredPosterior::gaussian_draw(std::uint64_t seed, const inference::CgOptions& options, Modes y) const {
  std::vector<Complex> fluctuation(y.size());
  bool converged = gaussian_mean(options, y);
  converged &= gaussian_.fluctuation(seed, 0, fluctuation, {}, options).converged;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += fluctuation[k];
  return converged;
}

bool BlurredPosterior::redraw_large_scales(std::uint64_t seed, std::uint32_t number,
                                           const inference::CgOptions& options, Modes y) const {
  TESSERA_REQUIRE(number > 0);  // 0 is gaussian_draw's
  TESSERA_REQUIRE(large_scales_.has_value());
  return large_scales_->draw(right_side_, seed, number, options, y);
}

void BlurredPosterior::white_noise(std::uint64_t seed, Purpose purpose, std::uint32_t number, Modes y) const {
  const std::size_t modes = basis_->mode_count();
  for (std::size_t c = 0; c < components_; ++c)
    basis_->white_noise(RandomStream(seed, purpose, static_cast<std::uint32_t>(number * components_ + c)),
                        y.subspan(c * modes, modes));
}

}  // namespace tessera::posterior
