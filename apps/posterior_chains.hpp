#pragma once

#include "apps/posterior_plan.hpp"
#include "apps/stage_clock.hpp"

namespace tessera::apps {

/// Samples the chains from `first` on, before `end`, one after the other, with checkpoints `path`.checkpoint,
/// from which it goes on if the settings say so. The result's `finished` holds their record. EndedOnRequest
/// if a signal asked for an end; then the checkpoint holds what there is. clock: has a stage running, whose
/// laps are "start" of a chain, "trajectory" of a burn-in and "sample". Collective.
[[nodiscard]] PosteriorProgress sample_chains(const PosteriorPlan& plan, std::uint32_t first,
                                              std::uint32_t end, const std::string& path, StageClock& clock);

/// The same of all chains from the files of runs that sampled one each, read one by one. Error if one is
/// missing, unfinished, or does not belong with the others. Collective.
[[nodiscard]] PosteriorProgress gather_chains(const PosteriorPlan& plan);

/// To be called once the result is safe: removes the checkpoints of sample_chains. Collective.
void remove_checkpoints(const mpi::Communicator& comm, const std::string& path);

}  // namespace tessera::apps
