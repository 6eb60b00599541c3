#include "posterior/posterior_mode.hpp"

#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "posterior/descent.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::posterior {
namespace {

/// One level's ascent from y.
void ascend(BlurredPosterior& target, std::vector<Complex>& y, const ModeOptions& options,
            const std::function<void(double)>& progress) {
  BlurredPosterior::Gradient gradient;
  std::vector<Complex> step(y.size());
  const auto mass = target.mass();
  for (std::uint64_t i = 0; i < options.iterations; ++i) {
    target.gradient(y, gradient);
    for (std::size_t k = 0; k < y.size(); ++k)
      step[k] = options.step / mass[k] *
                (gradient.gaussian[k] + (k < gradient.residual.size() ? gradient.residual[k] : Complex(0.0)));
    for (std::size_t k = 0; k < y.size(); ++k) y[k] += step[k];
    if (progress) progress(std::sqrt(target.dot(step, step) / std::max(target.dot(y, y), 1e-300)));
  }
}

}  // namespace

std::vector<Complex> posterior_mode(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
                                    std::span<const double> spectrum, ConstPixels data, ConstPixels variance,
                                    ResidualScore* residual, const ModeOptions& options,
                                    const std::function<void(double)>& progress) {
  const std::size_t modes = basis.mode_count();
  std::vector<Complex> y, field(modes);
  bool started = false;
  double last = 0.0;
  const double lowest = std::min(options.lowest_sigma, 0.5 * options.sigma);
  for (const double sigma : Descent::schedule(options.sigma, lowest, options.levels)) {
    BlurredPosterior target(basis, forward, spectrum, data, variance, sigma, residual);
    if (!std::exchange(started, true)) {
      y.resize(target.size());
      if (!target.gaussian_mean({1e-4, 1000}, y))
        fail(
            "the Gaussian start of the posterior's maximum did not converge in 1000 iterations; check the "
            "noise");
    } else {
      // The first component keeps its field, the others their place within their noise.
      target.whiten(field, y);
    }
    ascend(target, y, options, progress);
    target.unwhiten(y, field);
    last = sigma;
  }
  std::vector<Complex> white(modes);
  if (residual != nullptr) residual->evaluate(field, last, white);
  for (std::size_t k = 0; k < modes; ++k)
    field[k] = gaussian_gain(spectrum[k], last) * field[k] + residual_unit(spectrum[k], last) * white[k];
  return field;
}

}  // namespace tessera::posterior
