#include "network/tiled_network.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exchange/tile_exchange.hpp"

namespace tessera::network {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

TiledNetwork::TiledNetwork(const mpi::Communicator& comm, std::shared_ptr<Network> network,
                           std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, std::uint64_t side)
    : comm_(&comm),
      network_(std::move(network)),
      shape_(network_->shape()),
      tiles_(field_nx, field_ny, box,
             even_tiles(field_nx, field_ny, side, static_cast<std::uint64_t>(shape_.alignment)),
             static_cast<std::uint64_t>(shape_.halo()), static_cast<std::uint64_t>(shape_.alignment)),
      to_tiles_(comm, exchange::plane_tile_plan(tiles_, comm.rank(), comm.size()), size(shape_.inputs)),
      to_rows_(comm, exchange::plane_core_plan(tiles_, comm.rank(), comm.size()), size(shape_.outputs)),
      windows_(size(shape_.inputs) * to_tiles_.plan().wanted()),
      cores_(size(shape_.outputs) * to_rows_.plan().owned()),
      rows_(size(shape_.outputs) * to_rows_.plan().wanted()) {}

torch::Tensor TiledNetwork::run(const TileWindow& window, std::uint64_t offset, double condition) {
  const std::uint64_t pixels = window.width * window.height, all = to_tiles_.plan().wanted();
  const auto height = static_cast<std::int64_t>(window.height),
             width = static_cast<std::int64_t>(window.width);
  const std::int64_t inputs = shape_.inputs;
  torch::Tensor maps = torch::empty({1, inputs, height, width}, torch::kFloat);
  for (std::size_t input = 0; input < size(inputs); ++input)
    std::transform(windows_.begin() + static_cast<std::ptrdiff_t>(input * all + offset),
                   windows_.begin() + static_cast<std::ptrdiff_t>(input * all + offset + pixels),
                   maps.data_ptr<float>() + input * pixels,
                   [](double value) { return static_cast<float>(value); });
  const auto halo = static_cast<std::int64_t>(tiles_.halo());
  return network_->forward(maps, condition)
      .slice(2, halo, height - halo)
      .slice(3, halo, width - halo)
      .contiguous(torch::MemoryFormat::Contiguous);
}

void TiledNetwork::evaluate(std::span<const double> inputs, std::span<double> outputs, double condition) {
  const std::size_t results = size(shape_.outputs), local = to_tiles_.plan().owned();
  TESSERA_REQUIRE(outputs.size() == results * local);
  const torch::NoGradGuard no_gradients;
  to_tiles_.start(inputs);
  to_tiles_.finish(windows_);
  std::uint64_t window_begin = 0, core_begin = 0;
  const std::uint64_t cores = to_rows_.plan().owned();
  for (std::uint64_t tile = tiles_.begin(comm_->rank(), comm_->size());
       tile < tiles_.end(comm_->rank(), comm_->size()); ++tile) {
    const TileWindow window = tiles_.window(tile);
    const PlaneTiles::Core core = tiles_.core(tile);
    const torch::Tensor out = run(window, window_begin, condition);
    const auto stride = static_cast<std::size_t>(out.size(3));
    const std::size_t plane = stride * static_cast<std::size_t>(out.size(2));
    for (std::size_t result = 0; result < results; ++result)
      for (std::uint64_t y = 0; y < core.height; ++y)
        std::copy_n(
            out.data_ptr<float>() + result * plane + y * stride, core.width,
            cores_.begin() + static_cast<std::ptrdiff_t>(result * cores + core_begin + y * core.width));
    window_begin += window.width * window.height;
    core_begin += core.width * core.height;
  }
  to_rows_.start(cores_);
  to_rows_.finish(rows_);
  // Rows beyond the field are wanted by nobody: the plan's buffer may end before the rank's rows do.
  std::fill(outputs.begin(), outputs.end(), 0.0);
  const std::uint64_t wanted = to_rows_.plan().wanted();
  for (std::size_t result = 0; result < results; ++result)
    std::copy_n(rows_.begin() + static_cast<std::ptrdiff_t>(result * wanted), wanted,
                outputs.begin() + static_cast<std::ptrdiff_t>(result * local));
}

}  // namespace tessera::network
