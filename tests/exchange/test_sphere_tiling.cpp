#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include <catch2/catch.hpp>

#include "exchange/tiling.hpp"

using namespace tessera;
using exchange::Exchanger;
using exchange::Tiling;

namespace {

struct Case {
  std::uint64_t nside, side, halo;
  std::vector<std::uint64_t> wanted;  // empty: all
};

/// All tiles, some of every face, and fewer than ranks.
std::vector<Case> cases() {
  std::vector<Case> result;
  constexpr std::uint64_t nside = 8;
  for (const std::uint64_t side : {std::uint64_t{1}, std::uint64_t{4}, nside})
    for (const std::uint64_t halo : {std::uint64_t{0}, std::uint64_t{3}, nside}) {
      const std::uint64_t count = 12 * (nside / side) * (nside / side);
      std::vector<std::uint64_t> some;
      for (std::uint64_t tile = 1; tile < count; tile += 1 + tile % 3) some.push_back(tile);
      result.push_back({nside, side, halo, {}});
      result.push_back({nside, side, halo, some});
      result.push_back({nside, side, halo, {2, count - 1}});
    }
  result.push_back({1, 1, 1, {}});
  return result;
}

SphereTiles tiles_of(const Case& c) {
  std::vector<std::uint64_t> wanted = c.wanted;
  if (wanted.empty()) {
    wanted.resize(12 * (c.nside / c.side) * (c.nside / c.side));
    std::iota(wanted.begin(), wanted.end(), std::uint64_t{0});
  }
  return {HealpixGrid(c.nside), c.side, c.halo, wanted};
}

/// NESTED numbers of a rank's pixels.
std::vector<double> numbers(const SphereTiles& tiles, const RingDistribution& rings, int rank) {
  std::vector<double> values;
  for (std::uint64_t p = rings.first_pixel(rank); p < rings.first_pixel(rank + 1); ++p)
    values.push_back(static_cast<double>(tiles.grid().nested_index(rings.ring_index(p))));
  return values;
}

bool is_wanted(const SphereTiles& tiles, double number) {
  const std::uint64_t superpixel = static_cast<std::uint64_t>(number) / (tiles.side() * tiles.side());
  for (std::uint64_t tile = 0; tile < tiles.count(); ++tile)
    if (tiles.superpixel(tile) == superpixel) return true;
  return false;
}

/// Pixel of a window at (x, y), from the place of its tile among the superpixels.
HealpixGrid::Continued expected_at(const SphereTiles& tiles, std::uint64_t tile, std::uint64_t x,
                                   std::uint64_t y) {
  const HealpixGrid coarse(tiles.grid().nside() / tiles.side());
  const HealpixGrid::Place corner = coarse.place(tiles.superpixel(tile));
  const auto along = [&](std::uint64_t superpixel, std::uint64_t i) {
    return static_cast<std::int64_t>(superpixel * tiles.side() + i) - static_cast<std::int64_t>(tiles.halo());
  };
  return tiles.grid().continued(corner.face, along(corner.x, x), along(corner.y, y));
}

std::array<double, 3> direction(const HealpixGrid& grid, std::uint64_t pixel) {
  const SkyPosition sky = grid.centre(pixel);
  const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
  return {std::cos(dec) * std::cos(ra), std::cos(dec) * std::sin(ra), std::sin(dec)};
}

/// The lattice's distortion at a place of a window by differences of positions. Nothing where they say
/// nothing: at borders of faces, at the poles, and at the kink at 41.8 degrees.
std::optional<HealpixGrid::Distortion> by_differences(const SphereTiles& tiles, std::uint64_t tile,
                                                      std::uint64_t x, std::uint64_t y) {
  const HealpixGrid& grid = tiles.grid();
  const HealpixGrid::Continued here = tiles.at(tile, x, y);
  std::array<std::array<double, 3>, 4> around;
  for (std::uint64_t k = 0; k < 4; ++k) {
    const HealpixGrid::Continued next = tiles.at(tile,
                                                 x +
                                                     (k == 0   ? 2
                                                      : k == 1 ? 0
                                                               : 1) -
                                                     1,
                                                 y +
                                                     (k == 2   ? 2
                                                      : k == 3 ? 0
                                                               : 1) -
                                                     1);
    if (grid.place(next.pixel).face != grid.place(here.pixel).face || next.turned != here.turned) return {};
    around[k] = direction(grid, next.pixel);
  }
  const double latitude = std::abs(std::asin(direction(grid, here.pixel)[2]));
  if (latitude > 1.4 || std::abs(latitude - std::asin(2.0 / 3.0)) < 0.1) return {};
  double a = 0.0, b = 0.0, d = 0.0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double along_x = around[0][axis] - around[1][axis], along_y = around[2][axis] - around[3][axis];
    a += along_x * along_x;
    b += along_x * along_y;
    d += along_y * along_y;
  }
  const double root = std::sqrt(a * d - b * b), theta = std::acosh(std::max(1.0, 0.5 * (a + d) / root));
  const double scale = theta > 1e-6 ? theta / std::sinh(theta) : 1.0;
  return HealpixGrid::Distortion{scale * 0.5 * (a - d) / root, scale * b / root};
}

}  // namespace

TEST_CASE("sphere: every pixel of every window comes from its place, and cores go back to theirs") {
  const mpi::Communicator comm;
  for (const Case& c : cases()) {
    const SphereTiles tiles = tiles_of(c);
    const RingDistribution rings(c.nside, comm.size());
    const std::vector<double> number = numbers(tiles, rings, comm.rank());
    std::vector<double> inputs = number, outputs(2 * number.size(), -1.0);
    for (const double value : number) inputs.push_back(value + 1e6);
    exchange::TiledWork work(comm, exchange::sphere_tiling(tiles, rings, comm.rank(), false), 2, 2);
    std::uint64_t tile = tiles.begin(comm.rank(), comm.size()), wrong = 0;
    work.run(inputs, outputs, [&](const exchange::TiledWork::Window& window) {
      const std::uint64_t width = tiles.width();
      for (std::uint64_t map = 0; map < 2; ++map)
        for (std::uint64_t y = 0; y < width; ++y)
          for (std::uint64_t x = 0; x < width; ++x) {
            const auto pixel = static_cast<double>(expected_at(tiles, tile, x, y).pixel);
            const double value = window.input(map)[y * width + x];
            wrong += value == pixel + 1e6 * static_cast<double>(map) ? 0 : 1;
            const std::uint64_t i = x - c.halo, j = y - c.halo;  // wrap around before the core
            if (i < c.side && j < c.side) window.output(map)[j * c.side + i] = value;
          }
      ++tile;
    });
    CHECK(wrong == 0);
    CHECK(tile == tiles.end(comm.rank(), comm.size()));
    for (std::size_t p = 0; p < number.size(); ++p) {
      const bool wanted = is_wanted(tiles, number[p]);
      wrong += outputs[p] == (wanted ? number[p] : 0.0) ? 0 : 1;
      wrong += outputs[number.size() + p] == (wanted ? number[p] + 1e6 : 0.0) ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("sphere: tiles in NESTED order and back to the storage order") {
  const mpi::Communicator comm;
  for (const Case& c : cases()) {
    const SphereTiles tiles = tiles_of(c);
    const RingDistribution rings(c.nside, comm.size());
    const std::vector<double> number = numbers(tiles, rings, comm.rank());
    Exchanger there(comm, exchange::sphere_nested_plan(tiles, rings, comm.rank()), 1);
    Exchanger back(comm, exchange::sphere_storage_plan(tiles, rings, comm.rank()), 1);
    std::vector<double> nested(there.plan().wanted(), -1.0), storage(number.size(), -1.0);
    there.start(number);
    there.finish(nested);
    std::size_t i = 0, wrong = 0;
    for (std::uint64_t tile = tiles.begin(comm.rank(), comm.size());
         tile < tiles.end(comm.rank(), comm.size()); ++tile)
      for (std::uint64_t p = 0; p < c.side * c.side; ++p, ++i)
        wrong += nested[i] == static_cast<double>(tiles.superpixel(tile) * c.side * c.side + p) ? 0 : 1;
    CHECK(i == nested.size());
    CHECK(nested.size() == back.plan().owned());
    back.start(nested);
    back.finish(std::span(storage).first(back.plan().wanted()));
    for (std::size_t p = 0; p < number.size(); ++p)
      wrong += storage[p] == (is_wanted(tiles, number[p]) ? number[p] : -1.0) ? 0 : 1;
    CHECK(wrong == 0);
  }
}

TEST_CASE("sphere: the distortion is that of the window's own lattice, also where faces are turned") {
  const Case c{16, 8, 12, {}};
  const SphereTiles tiles = tiles_of(c);
  const RingDistribution rings(c.nside, 1);
  const Tiling tiling = exchange::sphere_tiling(tiles, rings, 0, true);
  const std::uint64_t width = tiles.width(), all = tiling.to_windows.wanted();
  std::size_t turned = 0;
  double largest = 0.0, error = 0.0;
  for (std::uint64_t tile = 0; tile < tiles.count(); ++tile)
    for (std::uint64_t y = 1; y + 1 < width; ++y)
      for (std::uint64_t x = 1; x + 1 < width; ++x) {
        const auto expected = by_differences(tiles, tile, x, y);
        if (!expected) continue;
        const std::size_t place = (tile * width + y) * width + x;
        error = std::max({error, std::abs(tiling.distortion[place] - expected->plus),
                          std::abs(tiling.distortion[all + place] - expected->cross)});
        largest = std::max(largest, std::abs(expected->plus));
        turned += tiles.at(tile, x, y).turned ? 1 : 0;
      }
  CHECK(turned > 1000);
  CHECK(largest > 0.4);
  CHECK(error < 0.04);
}
