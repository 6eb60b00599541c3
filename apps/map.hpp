#pragma once

#include "apps/map_settings.hpp"

namespace tessera::apps {

/// What `tessera map` does. Collective.
void make_maps(const mpi::Communicator& comm, const config::Values& values, ChainSource chains);

}  // namespace tessera::apps
