#pragma once

#include "apps/posterior_plan.hpp"
#include "apps/stage_clock.hpp"
#include "io/map_writer.hpp"

namespace tessera::apps {

/// Maps that write_posterior_products writes.
[[nodiscard]] std::uint64_t posterior_map_count(const PosteriorSettings& settings);

/// Writes the samples of all chains and what they say: maps, detections, diagnostics. clock: has a stage
/// running, of which a written "sample" is a lap. Collective.
void write_posterior_products(const PosteriorPlan& plan, const PosteriorProgress& all, io::MapWriter& writer,
                              StageClock& clock);

}  // namespace tessera::apps
