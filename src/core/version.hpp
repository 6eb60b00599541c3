#pragma once

#include <string>

namespace tessera {

/// Version of Tessera, "major.minor.patch".
[[nodiscard]] std::string version();

}  // namespace tessera
