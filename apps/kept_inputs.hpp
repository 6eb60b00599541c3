#pragma once

#include "config/options.hpp"

namespace tessera::apps {

/// Error if an output, or one of the files that are written and removed beside it (.partial, .checkpoint),
/// would take the place of a file that the command reads, or of its other output. A score model alone may be
/// written over itself with its new card (--card-out). On this rank alone.
void require_inputs_kept(const config::Values& values);

}  // namespace tessera::apps
