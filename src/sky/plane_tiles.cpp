#include "sky/plane_tiles.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera {

PlaneTiles::PlaneTiles(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, std::uint64_t side,
                       std::uint64_t halo, std::uint64_t alignment)
    : field_nx_(field_nx), field_ny_(field_ny), box_(box), alignment_(alignment) {
  TESSERA_REQUIRE(alignment > 0 && side > 0 && field_nx > 0 && field_ny > 0);
  TESSERA_REQUIRE(box.nx >= field_nx && box.ny >= field_ny);
  side_ = rounded_up(side, alignment);
  halo_ = rounded_up(halo, alignment);
  columns_ = (field_nx + side_ - 1) / side_;
  rows_ = (field_ny + side_ - 1) / side_;
}

PlaneTiles::Core PlaneTiles::core(std::uint64_t tile) const {
  TESSERA_REQUIRE(tile < count());
  const std::uint64_t x = tile % columns_ * side_, y = tile / columns_ * side_;
  return {x, y, std::min(side_, field_nx_ - x), std::min(side_, field_ny_ - y)};
}

TileWindow PlaneTiles::window(std::uint64_t tile) const {
  const Core inside = core(tile);
  return {static_cast<std::int64_t>(inside.x) - static_cast<std::int64_t>(halo_),
          static_cast<std::int64_t>(inside.y) - static_cast<std::int64_t>(halo_),
          rounded_up(inside.width, alignment_) + 2 * halo_,
          rounded_up(inside.height, alignment_) + 2 * halo_};
}

std::uint64_t PlaneTiles::begin(int rank, int ranks) const {
  return count() * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(ranks);
}

}  // namespace tessera
