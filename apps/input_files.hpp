#pragma once

#include <string>
#include <vector>

#include "config/options.hpp"

namespace tessera::apps {

/// Error if an output, or one of the files that are written and removed beside it (.partial, .checkpoint),
/// would take the place of a file that the command reads, or of its other output. A score model alone may be
/// written over itself with its new card (--card-out). On this rank alone.
void require_inputs_kept(const config::Values& values);

/// The lines of a list of files that are not empty. Error if it cannot be read to its end. On this rank
/// alone.
[[nodiscard]] std::vector<std::string> lines_of_list(const std::string& path);

/// What the files hold that the options name, lines name = value, for what a run that goes on must share with
/// the one that was stopped: checksums of small files, of large ones their sizes, beginnings and ends.
/// Without the catalogue, whose binned data say more. Paths without a file pass. On this rank alone.
[[nodiscard]] std::string contents_of_inputs(const config::Values& values);

}  // namespace tessera::apps
