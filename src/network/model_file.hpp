#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/map_writer.hpp"
#include "network/model_card.hpp"
#include "network/network.hpp"
#include "network/unet.hpp"

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

/// Writes a UNet with its card as the group /model: attributes `card`, `checksum`, `channels`, `blocks`, and
/// `weights`, all parameters one after the other, float32; `order` lists their names and shapes. Collective.
void write_model(io::MapWriter& writer, const ModelCard& card, const UNetImpl& network);

/// The parameters one after the other, and back.
[[nodiscard]] std::vector<float> flat_parameters(const UNetImpl& network);
void set_parameters(UNetImpl& network, std::span<const float> values);

}  // namespace tessera::network
