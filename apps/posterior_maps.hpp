#pragma once

#include "apps/posterior_chains.hpp"
#include "apps/stage_clock.hpp"
#include "io/map_writer.hpp"

namespace tessera::apps {

/// Options that only `map --methods posterior` has.
[[nodiscard]] std::vector<config::Option> posterior_options();

/// Where the chains come from: sampled by this run, or from the files of runs that sampled one each.
enum class ChainSource { sampling, files };

/// Writes samples of the posterior and what they say; the same bits from either source. EndedOnRequest if a
/// signal asked for an end; then the checkpoint holds what there is, and stays until remove_checkpoints.
/// Collective.
void write_posterior(const PosteriorProblem& problem, const PosteriorSettings& settings,
                     const SamplerSettings& sampler, ChainSource source, io::MapWriter& writer,
                     StageClock& clock);

/// Samples the one chain of the settings into `file`, for ChainSource::files. Ends on request in the same
/// way. Collective.
void write_chain(const PosteriorProblem& problem, const PosteriorSettings& settings,
                 const SamplerSettings& sampler, io::AtomicFile& file, StageClock& clock);

}  // namespace tessera::apps
