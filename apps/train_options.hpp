#pragma once

#include "config/options.hpp"

namespace tessera::apps {

/// The commands that train: their options, without what runs them.
[[nodiscard]] config::Command train_deepmass_command();
[[nodiscard]] config::Command train_score_command();

}  // namespace tessera::apps
