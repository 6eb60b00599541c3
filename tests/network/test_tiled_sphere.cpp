// torch defines CHECK, as Catch does.
#include <torch/torch.h>
#undef CHECK

#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "network/tiled_network.hpp"
#include "network/unet.hpp"

using namespace tessera;
using network::TiledNetwork;
using network::UNet;

namespace {

constexpr std::uint64_t nside = 16;
constexpr std::size_t maps = 2;

UNet random_unet(bool knows_distortion) {
  torch::manual_seed(3);
  UNet net(network::UNetOptions{knows_distortion ? 4 : 2, 2, {6, 8}, 1});
  const torch::NoGradGuard guard;
  for (torch::Tensor& parameter : net->parameters()) parameter.normal_(0.0, 0.2);
  return net;
}

/// Where lattices meet: borders of all faces, the poles, and the eight corners of three faces.
std::vector<std::uint64_t> seams(const HealpixGrid& grid) {
  std::vector<std::uint64_t> pixels{grid.pixel_of({10.0, 89.9}), grid.pixel_of({200.0, -89.9})};
  constexpr double corner = 41.8103;  // asin(2/3), degrees
  for (const double dec : {corner, -corner})
    for (double ra = 0.0; ra < 360.0; ra += 90.0)
      for (const auto& [east, north] : {std::pair(1.0, 0.0), {-1.0, 0.0}, {0.0, 1.0}})
        pixels.push_back(grid.pixel_of({ra + 360.0 + east, dec + (dec > 0.0 ? north : -north)}));
  for (std::uint64_t face = 0; face < 12; ++face)
    for (const std::uint64_t along : {std::uint64_t{5}, nside / 2})
      for (const std::uint64_t border : {std::uint64_t{0}, nside - 1}) {
        pixels.push_back(grid.pixel_at({face, border, along}));
        pixels.push_back(grid.pixel_at({face, along, border}));
      }
  return pixels;
}

/// NESTED numbers of this rank's pixels.
std::vector<std::uint64_t> numbers(const mpi::Communicator& comm) {
  const HealpixGrid grid(nside);
  const RingDistribution rings(nside, comm.size());
  std::vector<std::uint64_t> result;
  for (std::uint64_t p = rings.first_pixel(comm.rank()); p < rings.first_pixel(comm.rank() + 1); ++p)
    result.push_back(grid.nested_index(rings.ring_index(p)));
  return result;
}

/// [map][this rank's pixels]: noise that belongs to its place, and `height` more in the pixels `planted`.
std::vector<double> inputs(const mpi::Communicator& comm, const std::vector<std::uint64_t>& planted,
                           double height) {
  std::vector<double> values;
  for (std::uint32_t map = 0; map < maps; ++map)
    for (const std::uint64_t pixel : numbers(comm)) {
      const bool here = std::find(planted.begin(), planted.end(), pixel) != planted.end();
      values.push_back(RandomStream(6, Purpose::test, map).normals(pixel)[0] + (here ? height : 0.0));
    }
  return values;
}

/// [output][this rank's pixels]
std::vector<double> outputs(const mpi::Communicator& comm, const std::vector<double>& values,
                            std::uint64_t side, bool knows_distortion) {
  const auto net = random_unet(knows_distortion);
  std::vector<std::uint64_t> all(12 * (nside / side) * (nside / side));
  for (std::uint64_t tile = 0; tile < all.size(); ++tile) all[tile] = tile;
  const SphereTiles tiles(HealpixGrid(nside), side, network::tile_needs(net->shape(), side).halo, all);
  TiledNetwork tiled(comm, net.ptr(),
                     exchange::sphere_tiling(tiles, RingDistribution(nside, comm.size()), comm.rank(), true),
                     maps);
  std::vector<double> result(2 * values.size() / maps, -1.0);
  tiled.evaluate(values, result);
  return result;
}

double rms(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

TEST_CASE("sphere: tiles of any size give the same values, over the seams of the faces too") {
  const mpi::Communicator world, alone(MPI_COMM_SELF);
  if (!world.is_root()) return;  // one rank's work is enough
  const auto values = inputs(alone, seams(HealpixGrid(nside)), 5.0);
  for (const bool knows_distortion : {false, true}) {
    const auto whole = outputs(alone, values, nside, knows_distortion);
    REQUIRE(rms(whole) > 0.1);
    for (const std::uint64_t side : {2U, 8U}) {
      const auto tiled = outputs(alone, values, side, knows_distortion);
      for (std::size_t i = 0; i < whole.size(); ++i)
        REQUIRE(std::abs(tiled[i] - whole[i]) < 1e-5 * rms(whole));
    }
  }
}

TEST_CASE("sphere: what lies beyond a seam is seen, and so is the distortion") {
  const mpi::Communicator world, alone(MPI_COMM_SELF);
  if (!world.is_root()) return;  // one rank's work is enough
  const HealpixGrid grid(nside);
  const auto number = numbers(alone);
  const auto at = [&](const std::vector<double>& map, std::uint64_t pixel) {
    return map[static_cast<std::size_t>(std::find(number.begin(), number.end(), pixel) - number.begin())];
  };
  const auto plain = outputs(alone, inputs(alone, {}, 0.0), 8, false);
  for (const std::uint64_t face : {1U, 4U, 10U}) {
    const std::uint64_t planted = grid.pixel_at({face, nside - 1, 7});
    const auto changed = outputs(alone, inputs(alone, {planted}, 5.0), 8, false);
    const std::uint64_t beyond = grid.continued(face, nside + 1, 8).pixel;
    REQUIRE(grid.place(beyond).face != face);
    CHECK(std::abs(at(changed, beyond) - at(plain, beyond)) > 1e-3 * rms(plain));
  }
  // Equal values everywhere: what differs then is the lattice.
  const std::vector<double> even(maps * number.size(), 1.0);
  const auto square = outputs(alone, even, 8, false), distorted = outputs(alone, even, 8, true);
  const auto range = [&](const std::vector<double>& map) {
    const auto [least, most] =
        std::minmax_element(map.begin(), map.begin() + static_cast<std::ptrdiff_t>(number.size()));
    return *most - *least;
  };
  CHECK(range(square) < 1e-5 * rms(square));
  CHECK(range(distorted) > 0.1 * rms(distorted));
}

TEST_CASE("sphere: the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const auto planted = seams(HealpixGrid(nside));
  const std::uint64_t first = RingDistribution(nside, comm.size()).first_pixel(comm.rank()),
                      all = 12 * nside * nside;
  const std::uint64_t side = 8;
  for (const bool knows_distortion : {false, true}) {
    const auto mine = outputs(comm, inputs(comm, planted, 5.0), side, knows_distortion);
    const auto whole = outputs(alone, inputs(alone, planted, 5.0), side, knows_distortion);
    const std::size_t local = mine.size() / 2;
    std::size_t wrong = 0;
    for (std::size_t result = 0; result < 2; ++result)
      for (std::size_t p = 0; p < local; ++p)
        wrong += mine[result * local + p] == whole[result * all + first + p] ? 0 : 1;
    CHECK(wrong == 0);
  }
}
