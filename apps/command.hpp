#pragma once

#include "config/options.hpp"
#include "mpi/communicator.hpp"

namespace tessera::apps {

/// A command of the program: its options, and what it does with their values. `run` is called on every rank.
struct Application {
  config::Command command;
  void (*run)(const mpi::Communicator&, const config::Values&);
  bool (*needs_networks)(const config::Values&) = nullptr;  // null: never
};

[[nodiscard]] Application map_application();
[[nodiscard]] Application gather_application();
[[nodiscard]] Application simulate_application();
[[nodiscard]] Application simulate_skies_application();
[[nodiscard]] Application export_application();
[[nodiscard]] Application compare_application();
[[nodiscard]] Application import_application();
[[nodiscard]] Application train_deepmass_application();
[[nodiscard]] Application train_score_application();
[[nodiscard]] Application calibrate_application();

}  // namespace tessera::apps
