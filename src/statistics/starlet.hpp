#pragma once

#include <vector>

#include "statistics/neighbour_rows.hpp"

namespace tessera::statistics {

/// A map split by scale: map = sum_j w_j + smooth, this rank's pixels each.
struct Starlet {
  std::vector<std::vector<double>> detail;  // w_j: structures of about 2^j pixels
  std::vector<double> smooth;
};

/// Isotropic undecimated wavelet transform "a trous" with the cubic B-spline [1 4 6 4 1] / 16, first
/// generation (Starck, Fadili & Murtagh 2007, IEEE Trans. Image Process. 16, 297): c_0 is the map, c_j+1 is
/// c_j smoothed along rows and columns with steps of 2^j pixels, w_j = c_j - c_j+1. Collective; the bits do
/// not depend on the rank count.
[[nodiscard]] Starlet starlet_transform(const harmonic::PlaneBasis& basis, harmonic::ConstPixels map,
                                        std::size_t scales, Border border);

}  // namespace tessera::statistics
