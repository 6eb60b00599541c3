#pragma once

#include "config/options.hpp"

namespace tessera::apps {

/// The command `calibrate`: its options, without what runs it.
[[nodiscard]] config::Command calibrate_command();

}  // namespace tessera::apps
