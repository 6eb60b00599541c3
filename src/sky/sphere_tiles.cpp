#include "sky/sphere_tiles.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace tessera {
namespace {

std::vector<std::uint64_t> all_tiles(const HealpixGrid& grid, std::uint64_t side) {
  TESSERA_REQUIRE(side > 0);
  std::vector<std::uint64_t> tiles(grid.pixels() / (side * side));
  std::iota(tiles.begin(), tiles.end(), std::uint64_t{0});
  return tiles;
}

}  // namespace

SphereTiles::SphereTiles(const HealpixGrid& grid, std::uint64_t side, std::uint64_t halo,
                         std::vector<std::uint64_t> wanted)
    : grid_(grid), side_(side), halo_(halo), wanted_(std::move(wanted)) {
  TESSERA_REQUIRE(side > 0 && (side & (side - 1)) == 0 && side <= grid.nside() && halo <= grid.nside());
  const std::uint64_t per_face = grid.nside() / side;
  TESSERA_REQUIRE(std::is_sorted(wanted_.begin(), wanted_.end()));
  TESSERA_REQUIRE(wanted_.empty() || wanted_.back() < 12 * per_face * per_face);
}

SphereTiles::SphereTiles(const HealpixGrid& grid, std::uint64_t side, std::uint64_t halo)
    : SphereTiles(grid, side, halo, all_tiles(grid, side)) {}

HealpixGrid::Continued SphereTiles::at(std::uint64_t tile, std::uint64_t x, std::uint64_t y) const {
  const HealpixGrid::Place origin = grid_.place(first_pixel(tile));
  const auto halo = static_cast<std::int64_t>(halo_);
  return grid_.continued(origin.face, static_cast<std::int64_t>(origin.x + x) - halo,
                         static_cast<std::int64_t>(origin.y + y) - halo);
}

HealpixGrid::Distortion SphereTiles::distortion(std::uint64_t tile, std::uint64_t x, std::uint64_t y) const {
  const HealpixGrid::Continued here = at(tile, x, y);
  const HealpixGrid::Distortion own = grid_.distortion(here.pixel);
  return here.turned ? HealpixGrid::Distortion{-own.plus, -own.cross} : own;
}

}  // namespace tessera
