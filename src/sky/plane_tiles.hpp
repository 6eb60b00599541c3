#pragma once

#include <cstdint>
#include <vector>

#include "sky/plane_grid.hpp"

namespace tessera {

/// The least multiple of `unit` that is not below n.
[[nodiscard]] constexpr std::uint64_t rounded_up(std::uint64_t n, std::uint64_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// A tile with its halo: the window [y, y + height) x [x, x + width) of the box, which may reach beyond its
/// borders and then wraps around. Without the halo the tile begins at `halo` in either direction.
struct TileWindow {
  std::int64_t x, y;
  std::uint64_t width, height;
};

/// Width and height of a tile, pixels.
struct TileShape {
  std::uint64_t width, height;
};

/// Tiles of one size that cover a field without remainder, at most `side` high and twice as wide, in at least
/// two rows: wide, because halos cost, and of a number that does not depend on the ranks.
[[nodiscard]] TileShape even_tiles(std::uint64_t field_nx, std::uint64_t field_ny, std::uint64_t side,
                                   std::uint64_t alignment);

/// Tiles over a field in the corner of a periodic box. Every tile begins at multiples of the tile's width and
/// height, which are multiples of `alignment`, as is the halo: so the windows of all tilings see the same
/// grid of network poolings. Tiles at the far borders are as large as the field needs, rounded up to the
/// alignment.
class PlaneTiles {
 public:
  /// shape, halo: pixels; rounded up to multiples of alignment. The tiles are dealt to ranks in contiguous
  /// blocks, by rows of tiles.
  PlaneTiles(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, TileShape shape,
             std::uint64_t halo, std::uint64_t alignment);
  /// Square tiles.
  PlaneTiles(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, std::uint64_t side,
             std::uint64_t halo, std::uint64_t alignment)
      : PlaneTiles(field_nx, field_ny, box, TileShape{side, side}, halo, alignment) {}

  [[nodiscard]] PaddedBox box() const { return box_; }
  [[nodiscard]] std::uint64_t halo() const { return halo_; }
  [[nodiscard]] TileShape shape() const { return shape_; }
  [[nodiscard]] std::uint64_t field_nx() const { return field_nx_; }
  [[nodiscard]] std::uint64_t field_ny() const { return field_ny_; }
  [[nodiscard]] std::uint64_t count() const { return columns_ * rows_; }

  [[nodiscard]] TileWindow window(std::uint64_t tile) const;

  /// The pixels of the field that a tile stands for, without its halo: they tile the field.
  struct Core {
    std::uint64_t x, y, width, height;
  };
  [[nodiscard]] Core core(std::uint64_t tile) const;

  /// Tiles [begin, end) of a rank.
  [[nodiscard]] std::uint64_t begin(int rank, int ranks) const;
  [[nodiscard]] std::uint64_t end(int rank, int ranks) const { return begin(rank + 1, ranks); }

 private:
  std::uint64_t field_nx_, field_ny_;
  PaddedBox box_;
  std::uint64_t alignment_;
  TileShape shape_;
  std::uint64_t halo_, columns_, rows_;
};

}  // namespace tessera
