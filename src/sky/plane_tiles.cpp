#include "sky/plane_tiles.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera {

TileShape even_tiles(std::uint64_t field_nx, std::uint64_t field_ny, std::uint64_t side,
                     std::uint64_t alignment) {
  TESSERA_REQUIRE(side > 0 && alignment > 0);
  const auto parts = [](std::uint64_t n, std::uint64_t most) { return (n + most - 1) / most; };
  const std::uint64_t columns = parts(field_nx, 2 * side);
  const std::uint64_t rows = std::max<std::uint64_t>(2, parts(field_ny, side));
  return {rounded_up(parts(field_nx, columns), alignment), rounded_up(parts(field_ny, rows), alignment)};
}

PlaneTiles::PlaneTiles(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, TileShape shape,
                       std::uint64_t halo, std::uint64_t alignment)
    : field_nx_(field_nx),
      field_ny_(field_ny),
      box_(box),
      alignment_(alignment),
      shape_{rounded_up(shape.width, alignment), rounded_up(shape.height, alignment)} {
  TESSERA_REQUIRE(alignment > 0 && shape.width > 0 && shape.height > 0 && field_nx > 0 && field_ny > 0);
  TESSERA_REQUIRE(box.nx >= field_nx && box.ny >= field_ny);
  halo_ = rounded_up(halo, alignment);
  columns_ = (field_nx + shape_.width - 1) / shape_.width;
  rows_ = (field_ny + shape_.height - 1) / shape_.height;
}

PlaneTiles::Core PlaneTiles::core(std::uint64_t tile) const {
  TESSERA_REQUIRE(tile < count());
  const std::uint64_t x = tile % columns_ * shape_.width, y = tile / columns_ * shape_.height;
  return {x, y, std::min(shape_.width, field_nx_ - x), std::min(shape_.height, field_ny_ - y)};
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
