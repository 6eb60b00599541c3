#pragma once

#include <cstdint>
#include <vector>

#include "harmonic/plane_basis.hpp"

namespace tessera::statistics {

/// What lies beyond the border of a map: the opposite side, or its own mirror image about the border's pixels
/// (... 2 1 [0 1 2 ...), as Starck et al. (2007) continue a map.
enum class Border { periodic, mirror };

/// The index inside [0, n) that stands for `index`, which may lie any distance outside.
[[nodiscard]] std::uint64_t inside_index(std::int64_t index, std::uint64_t n, Border border);

/// This rank's rows of a map with `reach` rows more below and above, [local_rows + 2 reach][nx]; they may
/// belong to several other ranks. Nothing on a rank without rows. Collective.
[[nodiscard]] std::vector<double> with_neighbour_rows(const harmonic::PlaneBasis& basis,
                                                      harmonic::ConstPixels map, std::uint64_t reach,
                                                      Border border);

}  // namespace tessera::statistics
