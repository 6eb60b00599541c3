#include "exchange/tile_exchange.hpp"

#include <algorithm>

#include "sky/block_distribution.hpp"

namespace tessera::exchange {
namespace {

std::uint64_t wrapped(std::int64_t i, std::uint64_t n) {
  const auto size = static_cast<std::int64_t>(n);
  return static_cast<std::uint64_t>((i % size + size) % size);
}

/// The rows of a window, each cut where it leaves the box.
void append_window(const TileWindow& window, PaddedBox box, std::uint64_t destination,
                   std::vector<Segment>& segments) {
  for (std::uint64_t row = 0; row < window.height; ++row) {
    const std::uint64_t y = wrapped(window.y + static_cast<std::int64_t>(row), box.ny);
    for (std::uint64_t column = 0; column < window.width;) {
      const std::uint64_t x = wrapped(window.x + static_cast<std::int64_t>(column), box.nx);
      const std::uint64_t length = std::min(window.width - column, box.nx - x);
      segments.push_back({y * box.nx + x, destination + row * window.width + column, length});
      column += length;
    }
  }
}

}  // namespace

std::uint64_t window_offset(const PlaneTiles& tiles, std::uint64_t first, std::uint64_t tile) {
  std::uint64_t offset = 0;
  for (std::uint64_t t = first; t < tile; ++t) offset += tiles.window(t).width * tiles.window(t).height;
  return offset;
}

ExchangePlan plane_tile_plan(const PlaneTiles& tiles, int rank, int ranks) {
  const BlockDistribution rows(tiles.box().ny, ranks);
  std::vector<std::uint64_t> first_owned;
  for (int r = 0; r <= ranks; ++r) first_owned.push_back(rows.begin(r) * tiles.box().nx);
  return {rank, std::move(first_owned), [&tiles, ranks](int wanting) {
            std::vector<Segment> segments;
            std::uint64_t offset = 0;
            for (std::uint64_t tile = tiles.begin(wanting, ranks); tile < tiles.end(wanting, ranks); ++tile) {
              const TileWindow window = tiles.window(tile);
              append_window(window, tiles.box(), offset, segments);
              offset += window.width * window.height;
            }
            return segments;
          }};
}

ExchangePlan plane_core_plan(const PlaneTiles& tiles, int rank, int ranks) {
  const BlockDistribution rows(tiles.box().ny, ranks);
  std::vector<std::uint64_t> core_offset{0}, first_owned;
  for (std::uint64_t tile = 0; tile < tiles.count(); ++tile) {
    const auto core = tiles.core(tile);
    core_offset.push_back(core_offset.back() + core.width * core.height);
  }
  for (int r = 0; r <= ranks; ++r) first_owned.push_back(core_offset[tiles.begin(r, ranks)]);
  return {rank, std::move(first_owned), [&](int wanting) {
            std::vector<Segment> segments;
            for (std::uint64_t tile = 0; tile < tiles.count(); ++tile) {
              const auto core = tiles.core(tile);
              const std::uint64_t begin = std::max(core.y, rows.begin(wanting));
              const std::uint64_t end = std::min(core.y + core.height, rows.end(wanting));
              for (std::uint64_t y = begin; y < end; ++y)
                segments.push_back({core_offset[tile] + (y - core.y) * core.width,
                                    (y - rows.begin(wanting)) * tiles.box().nx + core.x, core.width});
            }
            return segments;
          }};
}

}  // namespace tessera::exchange
