#pragma once

#include <string>
#include <vector>

#include "apps/command.hpp"

namespace tessera::apps {

/// What `tessera --help` says.
[[nodiscard]] config::Page overview(const std::vector<Application>& applications);

/// Writes tessera.1 and tessera-COMMAND.1 of every command into a folder, which is made. Error if it cannot.
void write_man_pages(const std::vector<Application>& applications, const std::string& folder);

}  // namespace tessera::apps
