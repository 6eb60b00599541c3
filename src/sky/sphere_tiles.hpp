#pragma once

#include <cstdint>
#include <vector>

#include "sky/healpix_grid.hpp"

namespace tessera {

/// Tiles of the sphere: NESTED superpixels, squares of `side` x `side` pixels on the lattice of their face,
/// of which only some are wanted. They are dealt to ranks in NESTED order, equally many to each.
class SphereTiles {
 public:
  /// side: a power of two, at most nside; halo: of a window, pixels, at most nside; wanted: increasing
  /// numbers of superpixels, which are the pixels of a grid with nside / side.
  SphereTiles(const HealpixGrid& grid, std::uint64_t side, std::uint64_t halo,
              std::vector<std::uint64_t> wanted);
  /// All tiles of the sphere.
  SphereTiles(const HealpixGrid& grid, std::uint64_t side, std::uint64_t halo);

  [[nodiscard]] const HealpixGrid& grid() const { return grid_; }
  [[nodiscard]] std::uint64_t side() const { return side_; }
  [[nodiscard]] std::uint64_t halo() const { return halo_; }
  [[nodiscard]] std::uint64_t width() const { return side_ + 2 * halo_; }  // of a window
  [[nodiscard]] std::uint64_t count() const { return wanted_.size(); }
  [[nodiscard]] std::uint64_t superpixel(std::uint64_t tile) const { return wanted_[tile]; }

  /// NESTED index of a tile's first pixel; they are contiguous.
  [[nodiscard]] std::uint64_t first_pixel(std::uint64_t tile) const { return wanted_[tile] * side_ * side_; }

  /// Pixel of a tile's window at column x and row y, the halo included.
  [[nodiscard]] HealpixGrid::Continued at(std::uint64_t tile, std::uint64_t x, std::uint64_t y) const;

  /// How the pixel there is stretched, seen from the tile's own lattice.
  [[nodiscard]] HealpixGrid::Distortion distortion(std::uint64_t tile, std::uint64_t x,
                                                   std::uint64_t y) const;

  /// Tiles [begin, end) of a rank.
  [[nodiscard]] std::uint64_t begin(int rank, int ranks) const {
    return count() * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(ranks);
  }
  [[nodiscard]] std::uint64_t end(int rank, int ranks) const { return begin(rank + 1, ranks); }

 private:
  HealpixGrid grid_;
  std::uint64_t side_, halo_;
  std::vector<std::uint64_t> wanted_;
};

}  // namespace tessera
