#pragma once

#include <string>

namespace tessera::apps {

/// Tessera's version and those of the libraries that this program runs with, one a line.
[[nodiscard]] std::string library_versions();

}  // namespace tessera::apps
