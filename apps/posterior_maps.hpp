#pragma once

#include <string>
#include <vector>

#include "apps/posterior_problem.hpp"
#include "apps/sampler_options.hpp"
#include "core/stage_clock.hpp"

namespace tessera::apps {

/// What `map --methods posterior` makes beside the samples.
struct PosteriorSettings {
  std::uint32_t chains, samples;  // samples of every chain
  std::vector<double> scales;     // of detections, arcmin
  double threshold;               // in standard deviations of the smoothed prior
  double detection_probability;
  double checkpoint_minutes;
  bool resume;
  std::string checkpoint;  // file
  std::string identity;    // what a run that goes on must share with the one that was stopped
  std::uint64_t seed;

  PosteriorSettings(const config::Values& values, std::uint32_t samples);
};

/// Options that only `map --methods posterior` has.
[[nodiscard]] std::vector<config::Option> posterior_options();

/// Maps that it will write.
[[nodiscard]] std::uint64_t posterior_map_count(const PosteriorSettings& settings);

/// Samples the posterior, writes every sample as it is made, and what all of them say at the end. Error if a
/// signal asked for an end; then the checkpoint holds what there is. Collective.
void write_posterior(const PosteriorProblem& problem, const PosteriorSettings& settings,
                     const SamplerSettings& sampler, io::MapWriter& writer, StageClock& clock);

}  // namespace tessera::apps
