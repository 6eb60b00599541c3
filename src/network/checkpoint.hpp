#pragma once

#include <string>

#include "io/checkpoints.hpp"
#include "network/training.hpp"

namespace tessera::network {

/// Of the checkpoints of a training with this configuration, which a run that resumes must share.
[[nodiscard]] io::CheckpointHead training_head(const std::string& configuration);

/// Writes a training's state into a checkpoint that has been begun (io/checkpoints.hpp). Collective.
void write_checkpoint(io::MapWriter& writer, const TrainingState& state);

/// Reads it back, once the file is known to be whole and of this training. Error if its contents do not fit
/// together or belong to another network (`weights`: parameters of the network). Each rank on its own.
[[nodiscard]] TrainingState read_checkpoint(const std::string& path, std::size_t weights);

/// The history as the table /training/history. Collective; the group must exist.
void write_history(io::MapWriter& writer, const std::vector<HistoryRow>& history);

}  // namespace tessera::network
