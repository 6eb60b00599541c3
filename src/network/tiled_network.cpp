#include "network/tiled_network.hpp"

#include <algorithm>

#include "core/crash.hpp"
#include "core/error.hpp"

namespace tessera::network {

exchange::TileNeeds tile_needs(const NetworkShape& shape, std::uint64_t side) {
  return {side, static_cast<std::uint64_t>(shape.halo()), static_cast<std::uint64_t>(shape.alignment), true};
}

std::size_t distortion_channels(const NetworkShape& shape, std::size_t maps) {
  constexpr std::size_t channels = 2;
  const auto inputs = static_cast<std::size_t>(shape.inputs);
  if (inputs != maps && inputs != maps + channels)
    fail("the network takes {} maps; {} are given it, or {} with the distortion of the sphere's pixels",
         inputs, maps, maps + channels);
  return inputs - maps;
}

TiledNetwork::TiledNetwork(const mpi::Communicator& comm, std::shared_ptr<Network> network,
                           exchange::Tiling tiling, std::size_t maps)
    : network_(std::move(network)),
      shape_(network_->shape()),
      maps_(maps),
      distortion_(distortion_channels(shape_, maps)),
      work_(comm, std::move(tiling), maps, static_cast<std::size_t>(shape_.outputs)) {
  TESSERA_REQUIRE(work_.tiling().halo >= static_cast<std::uint64_t>(shape_.receptive_radius) &&
                  work_.tiling().halo % static_cast<std::uint64_t>(shape_.alignment) == 0);
  covered_.resize(work_.tiling().to_windows.owned(), 0);
  for (const auto& runs : work_.tiling().to_pixels.receive())
    for (const auto& run : runs)
      std::fill_n(covered_.begin() + static_cast<std::ptrdiff_t>(run.offset), run.length, std::uint8_t{1});
}

torch::Tensor window_tensor(const exchange::TiledWork::Window& window, std::size_t maps,
                            std::size_t distortion) {
  const auto height = static_cast<std::int64_t>(window.tile().height),
             width = static_cast<std::int64_t>(window.tile().width);
  torch::Tensor tensor =
      torch::zeros({1, static_cast<std::int64_t>(maps + distortion), height, width}, torch::kFloat);
  float* place = tensor.data_ptr<float>();
  const auto append = [&](std::span<const double> values, double unit) {
    place = std::transform(values.begin(), values.end(), place,
                           [unit](double value) { return static_cast<float>(value / unit); });
  };
  for (std::size_t map = 0; map < maps; ++map) append(window.input(map), 1.0);
  for (std::size_t which = 0; which < distortion && window.is_distorted(); ++which)
    append(window.distortion(which), distortion_unit);
  return tensor;
}

void TiledNetwork::run(const exchange::TiledWork::Window& window, double condition) {
  // oneDNN does not look whether it was given memory.
  const crash::Guard guard(
      "evaluating a network crashed a library, probably out of memory; use fewer ranks on a node");
  const auto halo = static_cast<std::int64_t>(work_.tiling().halo);
  const exchange::Tiling::Tile& tile = window.tile();
  const auto height = static_cast<std::int64_t>(tile.core_height),
             width = static_cast<std::int64_t>(tile.core_width);
  const torch::Tensor out = network_->forward(window_tensor(window, maps_, distortion_), condition)
                                .slice(2, halo, halo + height)
                                .slice(3, halo, halo + width)
                                .contiguous(torch::MemoryFormat::Contiguous);
  const std::size_t core = tile.core_width * tile.core_height;
  for (std::size_t result = 0; result < static_cast<std::size_t>(shape_.outputs); ++result)
    std::copy_n(out.data_ptr<float>() + result * core, core, window.output(result).begin());
}

void TiledNetwork::evaluate(std::span<const double> inputs, std::span<double> outputs, double condition) {
  const torch::NoGradGuard no_gradients;
  work_.run(inputs, outputs, [&](const exchange::TiledWork::Window& window) { run(window, condition); });
}

}  // namespace tessera::network
