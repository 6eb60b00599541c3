#pragma once

#include <functional>

#include "posterior/blurred_posterior.hpp"

namespace tessera::posterior {

struct ModeOptions {
  double sigma = 0.0;           // noise counted to the field at the beginning, as for the sampler
  double lowest_sigma = 0.005;  // and at the end
  std::uint64_t levels = 12;
  std::uint64_t iterations = 6;  // of every level
  double step = 0.8;             // of the diagonally preconditioned ascent, 1 is Newton's where noise is even
};

/// The maximum of the posterior (MAP): the mode of the blurred posterior, followed from the noise of the data
/// down to a low level, where blurred and not are one; its start is the mean under the Gaussian prior.
/// Returns coefficients of kappa, the mean given the last blurred mode. Arguments as of BlurredPosterior.
/// `progress` is called after every iteration with the rms step over the state's rms. Collective.
[[nodiscard]] std::vector<Complex> posterior_mode(const HarmonicBasis& basis,
                                                  const inference::ForwardOperator& forward,
                                                  std::span<const double> spectrum, ConstPixels data,
                                                  ConstPixels variance, ResidualScore* residual,
                                                  const ModeOptions& options,
                                                  const std::function<void(double)>& progress = {});

}  // namespace tessera::posterior
