#pragma once

#include "exchange/exchange_plan.hpp"
#include "sky/plane_tiles.hpp"

namespace tessera::exchange {

/// Plan that brings the rows of a periodic box, dealt to ranks as BlockDistribution deals them, to the
/// windows of the tiles of each rank: buffer [tile][height][width], the tiles of a rank one after the other.
[[nodiscard]] ExchangePlan plane_tile_plan(const PlaneTiles& tiles, int rank, int ranks);

/// Plan that brings the cores of the tiles, [tile][height][width] over all tiles in their order, to the rows
/// of the box that a rank owns, [row][box nx]; pixels beyond the field are not named.
[[nodiscard]] ExchangePlan plane_core_plan(const PlaneTiles& tiles, int rank, int ranks);

/// Where the window of `tile` begins in the buffer of the rank that holds tiles from `first` on.
[[nodiscard]] std::uint64_t window_offset(const PlaneTiles& tiles, std::uint64_t first, std::uint64_t tile);

}  // namespace tessera::exchange
