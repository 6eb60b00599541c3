#pragma once

#include <cstdint>
#include <vector>

namespace tessera::statistics {

/// A window over n pixels for the spectrum of a map that is not periodic: 1 inside, fading to 0 by a cosine
/// over a tenth of the side at either border.
[[nodiscard]] std::vector<double> cosine_taper(std::uint64_t n);

}  // namespace tessera::statistics
