#pragma once

#include <memory>
#include <span>
#include <vector>

#include "exchange/tiling.hpp"
#include "network/network.hpp"

namespace tessera::network {

/// What tiles must offer a network; side: of a tile, pixels.
[[nodiscard]] exchange::TileNeeds tile_needs(const NetworkShape& shape, std::uint64_t side);

/// Channels that a network has for the distortion of the sphere's pixels, after its maps; none if it was made
/// for square ones. Error unless it takes `maps` maps, with or without them.
[[nodiscard]] std::size_t distortion_channels(const NetworkShape& shape, std::size_t maps);

/// Unit of the distortion's channels, which is part of what the weights mean.
constexpr double distortion_unit = 0.3;

/// Evaluates a network in tiles, each rank its own, after one exchange that brings every tile its halo. The
/// result does not depend on the size of the tiles but for float rounding; for tiles of one size it has the
/// same bits on any number of ranks. Plans and buffers are made once.
class TiledNetwork {
 public:
  /// tiling: with a halo and alignment that suit the network (tile_needs); maps: that evaluate is given. comm
  /// must outlive this object.
  TiledNetwork(const mpi::Communicator& comm, std::shared_ptr<Network> network, exchange::Tiling tiling,
               std::size_t maps);

  /// inputs: [map][this rank's pixels in storage order]; outputs: [network output][the same pixels], zero
  /// outside of the tiles. condition: of a conditioned network. No gradients are kept. Collective.
  void evaluate(std::span<const double> inputs, std::span<double> outputs, double condition = 0.0);

  /// Whether a pixel of this rank lies in a tile.
  [[nodiscard]] bool covers(std::size_t pixel) const { return covered_[pixel] != 0; }

 private:
  void run(const exchange::TiledWork::Window& window, double condition);

  std::shared_ptr<Network> network_;
  NetworkShape shape_;
  std::size_t maps_, distortion_;
  exchange::TiledWork work_;
  std::vector<std::uint8_t> covered_;
};

/// The input of a network, [1][channels][height][width], from a window's maps and distortion (zero on the
/// plane).
[[nodiscard]] torch::Tensor window_tensor(const exchange::TiledWork::Window& window, std::size_t maps,
                                          std::size_t distortion);

}  // namespace tessera::network
