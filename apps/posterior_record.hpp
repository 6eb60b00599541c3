#pragma once

#include <vector>

#include "posterior/sample_summary.hpp"
#include "posterior/scale_significance.hpp"

namespace tessera::apps {

/// What samples say, of a chain or of chains one after the other. Sums run within a chain and are then added
/// chain by chain: so a set of chains gives the same bits whether one run sampled them all or each its own.
/// This rank's pixels; nothing is collective.
struct PosteriorRecord {
  posterior::SampleSummary samples;          // [pixel as stored in files]
  std::vector<double> expected;              // sum over samples of what was expected of kappa, [the same]
  std::vector<posterior::ScaleSums> scales;  // [pixel of the basis]
  std::vector<std::vector<double>> series;   // a row of figures for every sample

  /// Without samples. stored, pixels: of this rank, in files and of the basis; scale_count: of detections.
  PosteriorRecord(std::size_t stored, std::size_t pixels, std::size_t scale_count);

  /// Adds a chain that comes after those of this record.
  void append(PosteriorRecord chain);
};

}  // namespace tessera::apps
