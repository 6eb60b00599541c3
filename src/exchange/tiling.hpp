#pragma once

#include <functional>
#include <span>
#include <vector>

#include "exchange/exchanger.hpp"
#include "sky/plane_tiles.hpp"
#include "sky/ring_distribution.hpp"
#include "sky/sphere_tiles.hpp"

namespace tessera::exchange {

/// The tiles of a rank, on the plane or the sphere, and how maps come to them and back. Pure arithmetic.
struct Tiling {
  /// A window of the lattice [height][width], of which the core begins at (halo, halo). Windows and cores lie
  /// one after the other in their buffers.
  struct Tile {
    std::uint64_t width, height, core_width, core_height;
  };
  std::uint64_t halo;
  std::vector<Tile> tiles;
  ExchangePlan to_windows;  // from the pixels in storage order
  ExchangePlan to_pixels;   // from the cores; pixels of no core are not named
  /// Distortion of the pixels of all windows, [plus, cross][to_windows.wanted()], seen from the lattice of
  /// each window (HealpixGrid::distortion); empty on the plane, where there is none, or if nobody asked.
  std::vector<double> distortion;
};

/// What is asked of tiles: their side, at most, and what windows need around them, pixels; and whether the
/// work asks how the sphere's pixels are stretched.
struct TileNeeds {
  std::uint64_t side, halo, alignment = 1;
  bool distortion = false;
};

[[nodiscard]] Tiling plane_tiling(const PlaneTiles& tiles, int rank, int ranks);
/// Even tiles over a field in the corner of a box.
[[nodiscard]] Tiling plane_tiling(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box,
                                  const TileNeeds& needs, int rank, int ranks);
/// distortion: whether Tiling::distortion is wanted.
[[nodiscard]] Tiling sphere_tiling(const SphereTiles& tiles, const RingDistribution& rings, int rank,
                                   bool distortion);

/// Plan that brings the pixels in storage order to the ranks that own their tiles, each tile's in NESTED
/// order: buffer [tile][side * side].
[[nodiscard]] ExchangePlan sphere_nested_plan(const SphereTiles& tiles, const RingDistribution& rings,
                                              int rank);
/// And back: from the tiles' pixels to those in storage order; pixels of no tile are not named.
[[nodiscard]] ExchangePlan sphere_storage_plan(const SphereTiles& tiles, const RingDistribution& rings,
                                               int rank);

/// Works on maps tile by tile: brings every window its pixels, and the cores' results back. Plans and buffers
/// are made once.
class TiledWork {
 public:
  /// inputs, outputs: numbers of maps. comm must outlive this.
  TiledWork(const mpi::Communicator& comm, Tiling tiling, std::size_t inputs, std::size_t outputs);

  [[nodiscard]] const Tiling& tiling() const { return tiling_; }

  /// One tile: its window's maps, and where its cores' maps go.
  class Window {
   public:
    [[nodiscard]] const Tiling::Tile& tile() const { return *tile_; }
    /// [height][width]
    [[nodiscard]] std::span<const double> input(std::size_t map) const;
    [[nodiscard]] bool is_distorted() const { return !work_->tiling_.distortion.empty(); }
    /// Of distorted windows; 0: plus, 1: cross, [height][width].
    [[nodiscard]] std::span<const double> distortion(std::size_t which) const;
    /// [core_height][core_width]
    [[nodiscard]] std::span<double> output(std::size_t map) const;

   private:
    friend class TiledWork;
    TiledWork* work_;
    const Tiling::Tile* tile_;
    std::size_t window_begin_, core_begin_;
  };

  /// inputs: [map][this rank's pixels]; outputs: the same, zero where there is no core. work is called for
  /// every tile of this rank. Collective; work must not throw on some ranks only.
  void run(std::span<const double> inputs, std::span<double> outputs,
           const std::function<void(const Window&)>& work);

 private:
  Tiling tiling_;
  std::size_t inputs_, outputs_;
  Exchanger to_windows_, to_pixels_;
  std::vector<double> windows_, cores_, pixels_;
};

}  // namespace tessera::exchange
