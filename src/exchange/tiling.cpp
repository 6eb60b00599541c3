#include "exchange/tiling.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exchange/tile_exchange.hpp"
#include "sky/ownership.hpp"

namespace tessera::exchange {
namespace {

/// Pixels that tiles own, one tile after the other, dealt to ranks as the tiles are.
std::vector<std::uint64_t> first_of_cores(const SphereTiles& tiles, int ranks) {
  std::vector<std::uint64_t> first;
  for (int rank = 0; rank <= ranks; ++rank)
    first.push_back(tiles.begin(rank, ranks) * tiles.side() * tiles.side());
  return first;
}

std::uint64_t storage_of(const SphereTiles& tiles, const RingDistribution& rings, std::uint64_t pixel) {
  return rings.storage_index(tiles.grid().ring_index(pixel));
}

/// Number of a tile's pixel, by its NESTED order within the tile.
using PixelOrder = std::function<std::uint64_t(std::uint64_t tile, std::uint64_t within)>;

/// From tiles' pixels, the i-th of a tile being order(tile, i), to the storage order.
ExchangePlan plan_to_storage(const SphereTiles& tiles, const RingDistribution& rings, int rank,
                             const PixelOrder& order) {
  const std::uint64_t core = tiles.side() * tiles.side();
  const auto first = rings.first_pixels();
  std::vector<std::vector<Segment>> wanted(first.size() - 1);
  for (std::uint64_t tile = 0; tile < tiles.count(); ++tile)
    for (std::uint64_t i = 0; i < core; ++i) {
      const std::uint64_t place = storage_of(tiles, rings, order(tile, i));
      const std::size_t owner = owner_of(first, place);
      wanted[owner].push_back({tile * core + i, place - first[owner], 1});
    }
  return {rank, first_of_cores(tiles, rings.ranks()),
          [&](int wanting) { return std::move(wanted[static_cast<std::size_t>(wanting)]); }};
}

/// Tiling::distortion of this rank's windows.
std::vector<double> distortion_of_windows(const SphereTiles& tiles, int rank, int ranks) {
  const std::uint64_t width = tiles.width(), begin = tiles.begin(rank, ranks), end = tiles.end(rank, ranks);
  const std::size_t all = (end - begin) * width * width;
  std::vector<double> distortion(2 * all);
  std::size_t place = 0;
  for (std::uint64_t tile = begin; tile < end; ++tile)
    for (std::uint64_t y = 0; y < width; ++y)
      for (std::uint64_t x = 0; x < width; ++x, ++place) {
        const HealpixGrid::Distortion here = tiles.distortion(tile, x, y);
        distortion[place] = here.plus;
        distortion[all + place] = here.cross;
      }
  return distortion;
}

}  // namespace

Tiling plane_tiling(const PlaneTiles& tiles, int rank, int ranks) {
  Tiling tiling{
      tiles.halo(), {}, plane_tile_plan(tiles, rank, ranks), plane_core_plan(tiles, rank, ranks), {}};
  for (std::uint64_t tile = tiles.begin(rank, ranks); tile < tiles.end(rank, ranks); ++tile) {
    const TileWindow window = tiles.window(tile);
    const PlaneTiles::Core core = tiles.core(tile);
    tiling.tiles.push_back({window.width, window.height, core.width, core.height});
  }
  return tiling;
}

Tiling plane_tiling(std::uint64_t field_nx, std::uint64_t field_ny, PaddedBox box, const TileNeeds& needs,
                    int rank, int ranks) {
  return plane_tiling(
      PlaneTiles(field_nx, field_ny, box, even_tiles(field_nx, field_ny, needs.side, needs.alignment),
                 needs.halo, needs.alignment),
      rank, ranks);
}

Tiling sphere_tiling(const SphereTiles& tiles, const RingDistribution& rings, int rank, bool distortion) {
  const std::uint64_t width = tiles.width(), side = tiles.side(), halo = tiles.halo();
  const auto windows = [&](int wanting) {
    std::vector<Segment> segments;
    for (std::uint64_t tile = tiles.begin(wanting, rings.ranks()); tile < tiles.end(wanting, rings.ranks());
         ++tile)
      for (std::uint64_t y = 0; y < width; ++y)
        for (std::uint64_t x = 0; x < width; ++x)
          segments.push_back({storage_of(tiles, rings, tiles.at(tile, x, y).pixel), segments.size(), 1});
    return segments;
  };
  const auto core_pixel = [&](std::uint64_t tile, std::uint64_t i) {
    return tiles.at(tile, halo + i % side, halo + i / side).pixel;
  };
  Tiling tiling{halo,
                {},
                ExchangePlan(rank, rings.first_pixels(), windows),
                plan_to_storage(tiles, rings, rank, core_pixel),
                {}};
  const std::uint64_t count = tiles.end(rank, rings.ranks()) - tiles.begin(rank, rings.ranks());
  tiling.tiles.assign(count, {width, width, side, side});
  if (distortion) tiling.distortion = distortion_of_windows(tiles, rank, rings.ranks());
  return tiling;
}

ExchangePlan sphere_nested_plan(const SphereTiles& tiles, const RingDistribution& rings, int rank) {
  const std::uint64_t core = tiles.side() * tiles.side();
  return {
      rank, rings.first_pixels(), [&](int wanting) {
        std::vector<Segment> segments;
        for (std::uint64_t tile = tiles.begin(wanting, rings.ranks());
             tile < tiles.end(wanting, rings.ranks()); ++tile)
          for (std::uint64_t i = 0; i < core; ++i)
            segments.push_back({storage_of(tiles, rings, tiles.first_pixel(tile) + i), segments.size(), 1});
        return segments;
      }};
}

ExchangePlan sphere_storage_plan(const SphereTiles& tiles, const RingDistribution& rings, int rank) {
  return plan_to_storage(tiles, rings, rank,
                         [&](std::uint64_t tile, std::uint64_t i) { return tiles.first_pixel(tile) + i; });
}

TiledWork::TiledWork(const mpi::Communicator& comm, Tiling tiling, std::size_t inputs, std::size_t outputs)
    : tiling_(std::move(tiling)),
      inputs_(inputs),
      outputs_(outputs),
      to_windows_(comm, tiling_.to_windows, inputs),
      to_pixels_(comm, tiling_.to_pixels, outputs),
      windows_(inputs * tiling_.to_windows.wanted()),
      cores_(outputs * tiling_.to_pixels.owned()),
      pixels_(outputs * tiling_.to_pixels.wanted()) {}

std::span<const double> TiledWork::Window::input(std::size_t map) const {
  const std::size_t all = work_->tiling_.to_windows.wanted();
  return std::span<const double>(work_->windows_)
      .subspan(map * all + window_begin_, tile_->width * tile_->height);
}

std::span<const double> TiledWork::Window::distortion(std::size_t which) const {
  const std::size_t all = work_->tiling_.to_windows.wanted();
  TESSERA_REQUIRE(work_->tiling_.distortion.size() == 2 * all);
  return std::span<const double>(work_->tiling_.distortion)
      .subspan(which * all + window_begin_, tile_->width * tile_->height);
}

std::span<double> TiledWork::Window::output(std::size_t map) const {
  const std::size_t all = work_->tiling_.to_pixels.owned();
  return std::span<double>(work_->cores_)
      .subspan(map * all + core_begin_, tile_->core_width * tile_->core_height);
}

void TiledWork::run(std::span<const double> inputs, std::span<double> outputs,
                    const std::function<void(const Window&)>& work) {
  const std::size_t local = tiling_.to_windows.owned();
  TESSERA_REQUIRE(inputs.size() == inputs_ * local && outputs.size() == outputs_ * local);
  to_windows_.start(inputs);
  to_windows_.finish(windows_);
  Window window;
  window.work_ = this;
  window.window_begin_ = window.core_begin_ = 0;
  for (const Tiling::Tile& tile : tiling_.tiles) {
    window.tile_ = &tile;
    work(window);
    window.window_begin_ += tile.width * tile.height;
    window.core_begin_ += tile.core_width * tile.core_height;
  }
  to_pixels_.start(cores_);
  to_pixels_.finish(pixels_);
  // Pixels of no core are wanted by nobody: the plan's buffer may end before the rank's pixels do.
  std::fill(outputs.begin(), outputs.end(), 0.0);
  const std::size_t wanted = tiling_.to_pixels.wanted();
  for (std::size_t map = 0; map < outputs_; ++map)
    std::copy_n(pixels_.begin() + static_cast<std::ptrdiff_t>(map * wanted), wanted,
                outputs.begin() + static_cast<std::ptrdiff_t>(map * local));
}

}  // namespace tessera::exchange
