#pragma once

#include <memory>
#include <span>
#include <vector>

#include "exchange/exchanger.hpp"
#include "network/network.hpp"
#include "sky/plane_tiles.hpp"

namespace tessera::network {

/// Evaluates a network on the field of a periodic box in tiles, each rank its own, after one exchange that
/// brings every tile its halo. The result does not depend on the size of the tiles but for float rounding;
/// for tiles of one size it has the same bits on any number of ranks. Plans and buffers are made once.
class TiledNetwork {
 public:
  /// side: of a tile in pixels, at most (even_tiles); the halo follows from the network's receptive radius.
  /// comm must outlive this object.
  TiledNetwork(const mpi::Communicator& comm, std::shared_ptr<Network> network, std::uint64_t field_nx,
               std::uint64_t field_ny, PaddedBox box, std::uint64_t side);

  [[nodiscard]] const PlaneTiles& tiles() const { return tiles_; }

  /// inputs: [network input][this rank's pixels of the box], rows as BlockDistribution deals them; outputs:
  /// [network output][the same pixels], zero beyond the field. condition: of a conditioned network. No
  /// gradients are kept. Collective.
  void evaluate(std::span<const double> inputs, std::span<double> outputs, double condition = 0.0);

 private:
  /// Output of the network on the window that begins at `offset` of the buffer, without the halo.
  [[nodiscard]] torch::Tensor run(const TileWindow& window, std::uint64_t offset, double condition);

  const mpi::Communicator* comm_;
  std::shared_ptr<Network> network_;
  NetworkShape shape_;
  PlaneTiles tiles_;
  exchange::Exchanger to_tiles_, to_rows_;
  std::vector<double> windows_, cores_, rows_;
};

}  // namespace tessera::network
