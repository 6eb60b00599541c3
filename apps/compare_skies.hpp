#pragma once

#include "config/options.hpp"
#include "mpi/communicator.hpp"

namespace tessera::apps {

/// The options of `tessera compare` that belong to --skies.
[[nodiscard]] config::Group skies_options();

/// `tessera compare --skies`: statistics of sets of skies, side by side.
void run_compare_skies(const mpi::Communicator& comm, const config::Values& given);

}  // namespace tessera::apps
