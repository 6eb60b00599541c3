// torch defines CHECK, as Catch does.
#include <torch/torch.h>
#undef CHECK

#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "network/tiled_network.hpp"
#include "network/unet.hpp"
#include "sky/block_distribution.hpp"

using namespace tessera;
using network::TiledNetwork;
using network::UNet;

namespace {

constexpr std::uint64_t nx = 90, ny = 61;
const PaddedBox box{100, 72};

UNet random_unet() {
  torch::manual_seed(3);
  UNet net(network::UNetOptions{3, 2, {6, 8, 10}, 1});
  const torch::NoGradGuard guard;
  for (torch::Tensor& parameter : net->parameters()) parameter.normal_(0.0, 0.2);
  return net;
}

/// [input][this rank's pixels]: noise that belongs to its place.
std::vector<double> inputs(const mpi::Communicator& comm) {
  const BlockDistribution rows(box.ny, comm.size());
  std::vector<double> values;
  for (std::uint32_t input = 0; input < 3; ++input)
    for (std::uint64_t p = rows.begin(comm.rank()) * box.nx; p < rows.end(comm.rank()) * box.nx; ++p)
      values.push_back(RandomStream(6, Purpose::test, input).normals(p)[0]);
  return values;
}

std::vector<double> outputs(const mpi::Communicator& comm, std::uint64_t side) {
  const auto net = random_unet();
  TiledNetwork tiled(
      comm, net.ptr(),
      exchange::plane_tiling(nx, ny, box, network::tile_needs(net->shape(), side), comm.rank(), comm.size()),
      3);
  const std::uint64_t local = BlockDistribution(box.ny, comm.size()).count(comm.rank()) * box.nx;
  std::vector<double> result(2 * local, -1.0);
  tiled.evaluate(inputs(comm), result);
  return result;
}

}  // namespace

TEST_CASE("tiles of any size give the values of one tile, zero beyond the field") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const auto whole = outputs(alone, 1000);
  const std::uint64_t local = box.nx * box.ny;
  double scale = 0.0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::uint64_t y = i % local / box.nx, x = i % box.nx;
    if (x >= nx || y >= ny) REQUIRE(whole[i] == 0.0);
    scale = std::max(scale, std::abs(whole[i]));
  }
  REQUIRE(scale > 0.1);
  for (const std::uint64_t side : {4U, 16U, 37U, 64U}) {
    const auto tiled = outputs(alone, side);
    for (std::size_t i = 0; i < whole.size(); ++i) REQUIRE(std::abs(tiled[i] - whole[i]) < 1e-5 * scale);
  }
}

TEST_CASE("one tile is a plain evaluation of the wrapped window") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  UNet net = random_unet();
  const auto given = inputs(alone);
  const auto halo = (net->receptive_radius() + 3) / 4 * 4;
  const std::int64_t height = 64 + 2 * halo, width = 92 + 2 * halo;
  torch::Tensor maps = torch::empty({1, 3, height, width});
  auto at = maps.accessor<float, 4>();
  for (std::int64_t input = 0; input < 3; ++input)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t from_y = (y - halo + 72 * 10) % 72, from_x = (x - halo + 100 * 10) % 100;
        at[0][input][y][x] =
            static_cast<float>(given[static_cast<std::size_t>((input * 72 + from_y) * 100 + from_x)]);
      }
  const torch::NoGradGuard guard;
  const torch::Tensor plain = net->forward(maps);
  const auto expected = plain.accessor<float, 4>();
  const auto tiled = outputs(alone, 1000);
  for (std::int64_t y = 0; y < 61; ++y)
    for (std::int64_t x = 0; x < 90; ++x)
      REQUIRE(tiled[static_cast<std::size_t>(y * 100 + x)] ==
              Approx(expected[0][0][y + halo][x + halo]).margin(1e-6));
}

TEST_CASE("the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const std::uint64_t side : {24U, 1000U}) {
    const auto mine = outputs(comm, side), whole = outputs(alone, side);
    const BlockDistribution rows(box.ny, comm.size());
    const std::uint64_t first = rows.begin(comm.rank()) * box.nx, local = rows.count(comm.rank()) * box.nx;
    for (std::uint64_t result = 0; result < 2; ++result)
      for (std::uint64_t p = 0; p < local; ++p)
        REQUIRE(mine[result * local + p] == whole[result * box.nx * box.ny + first + p]);
  }
}
