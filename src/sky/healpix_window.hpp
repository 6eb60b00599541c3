#pragma once

#include <cstdint>
#include <vector>

namespace tessera {

/// Window of HEALPix pixels, [lmax + 1]: the factor by which the mean over a pixel damps a multipole, in the
/// root of the mean square over pixels and m. From pairs of places within a sample of pixels, with
/// P_l(cos theta) = J0(sqrt(l(l + 1)) 2 sin(theta / 2)); agrees with the tables of HEALPix to 2e-4 up to
/// l = 3 nside, for nside 16 and more.
[[nodiscard]] std::vector<double> healpix_window(std::uint64_t nside, std::uint64_t lmax);

}  // namespace tessera
