#pragma once

#include <vector>

#include "config/options.hpp"
#include "posterior/sampler.hpp"

namespace tessera::apps {

/// The score network of --score-model's default, looked for by find_data: of COSMOS's pixels on the plane, of
/// DES's on the sphere.
[[nodiscard]] const char* default_score_model(const config::Values& values);

/// Options of the posterior sampler, shared by the commands that sample.
[[nodiscard]] std::vector<config::Option> sampler_options();

/// Those options, checked; the noise level at which to sample is `sigma_share` of the least noise of a pixel.
struct SamplerSettings {
  posterior::SamplerOptions options;  // lowest_sigma 0: a share of the prior's rms
  double sigma_share;
  double prior_reach;  // radians from the data to where the learned prior ends
  std::string model;   // empty: the Gaussian prior

  /// The last noise level of the descent, for a prior whose pixels have this rms.
  [[nodiscard]] double lowest_sigma(double prior_rms) const;

  /// learned: whether the prior's learned part is wanted at all.
  explicit SamplerSettings(const config::Values& values, bool learned = true);
};

}  // namespace tessera::apps
