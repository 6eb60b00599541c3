#pragma once

#include <memory>
#include <string>

#include "mpi/communicator.hpp"
#include "network/model_card.hpp"
#include "network/network.hpp"

namespace tessera::network {

/// A network as it comes from a file.
struct Model {
  ModelCard card;
  std::shared_ptr<Network> network;
  std::string checksum;  // of card and weights, hexadecimal
  std::string path;
};

/// Reads a model: Tessera's own HDF5 files, or a TorchScript module (torch.jit.save) whose extra file
/// `tessera_card` holds the card's lines. Error with the path and the reason if the file is missing, damaged
/// (checksum), foreign, of another kind than asked for, or reaches farther than its card says. Each rank on
/// its own; not collective.
[[nodiscard]] Model load_model(const std::string& path, const std::string& kind);

}  // namespace tessera::network
