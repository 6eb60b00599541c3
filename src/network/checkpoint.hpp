#pragma once

#include <string>

#include "io/map_writer.hpp"
#include "network/training.hpp"

namespace tessera::network {

/// Writes a training's state as the group /training with `configuration`, which a run that resumes must
/// share. Collective.
void write_checkpoint(io::MapWriter& writer, const TrainingState& state, const std::string& configuration);

/// Reads it back. Error if the file is damaged or belongs to a training of another configuration or network
/// (`weights`: parameters of the network). Each rank on its own.
[[nodiscard]] TrainingState read_checkpoint(const std::string& path, const std::string& configuration,
                                            std::size_t weights);

/// The history as the table /training/history. Collective; the group must exist.
void write_history(io::MapWriter& writer, const std::vector<HistoryRow>& history);

}  // namespace tessera::network
