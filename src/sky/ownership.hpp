#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tessera {

/// Rank that owns a pixel of the order in which the ranks' pixels follow each other. first: of each rank, and
/// the number of pixels, [ranks + 1].
[[nodiscard]] inline std::size_t owner_of(const std::vector<std::uint64_t>& first, std::uint64_t pixel) {
  return static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), pixel) - first.begin()) - 1;
}

}  // namespace tessera
