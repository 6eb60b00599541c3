#pragma once

#include "config/options.hpp"

namespace tessera::apps {

/// The command `train deepmass`: its options, without what runs it.
[[nodiscard]] config::Command train_deepmass_command();

}  // namespace tessera::apps
