#pragma once

#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::statistics {

/// How a map compares with the truth in a band of multipoles; both masked, mean subtracted inside the mask.
struct BandComparison {
  double ell_min, ell_max;
  std::uint64_t modes;  // 0: the box has none in the band, the rest is NaN
  double power_ratio;   // sum |map_k|^2 / sum |truth_k|^2
  double correlation;   // sum Re(map_k truth_k*) / sqrt(sum |map_k|^2 sum |truth_k|^2)
};

struct MapComparison {
  std::uint64_t pixels;         // inside the mask
  double truth_rms;             // root mean square of the truth
  double rmse;                  // root mean square of map - truth
  double mean_subtracted_rmse;  // the same, with the mean over the mask taken from each map
  double pearson_r;
  std::vector<BandComparison> bands;
};

/// Compares a map with the truth over the pixels where mask > 0. band_edges: increasing multipoles, one band
/// between each two. Shapes: this rank's pixels. Collective; the bits do not depend on the rank count.
[[nodiscard]] MapComparison compare_maps(const harmonic::HarmonicBasis& basis, harmonic::ConstPixels map,
                                         harmonic::ConstPixels truth, harmonic::ConstPixels mask,
                                         const std::vector<double>& band_edges);

}  // namespace tessera::statistics
