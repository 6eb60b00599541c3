#pragma once

#include <string>
#include <vector>

#include "harmonic/harmonic_basis.hpp"
#include "posterior/hmc.hpp"
#include "posterior/sample_summary.hpp"
#include "posterior/scale_significance.hpp"

namespace tessera::apps {

/// What a run that samples holds between two samples.
struct PosteriorProgress {
  std::uint32_t chain = 0, sample = 0;      // the next to be made
  posterior::HmcState state;                // of the chain; empty before its beginning
  std::vector<double> expected;             // sum over samples of what was expected of kappa, [field pixel]
  std::vector<std::vector<double>> series;  // a row of figures for every sample
};

/// What a run makes of itself, and a checkpoint of it has.
struct PosteriorShape {
  std::uint32_t chains, samples;  // samples of a chain
  std::uint32_t components;       // of the state, in units of modes
  std::size_t columns;            // of a row of figures
};

/// Writes and reads `path`, whole or not at all. Its arrays are in the order of the global indices, so a run
/// may go on with another number of ranks. Error if the file is of another run. Collective.
void write_posterior_checkpoint(const harmonic::HarmonicBasis& basis, const std::string& path,
                                const std::string& identity, const PosteriorProgress& progress,
                                const posterior::SampleSummary& samples,
                                const std::vector<posterior::ScaleSignificance>& scales);
[[nodiscard]] PosteriorProgress read_posterior_checkpoint(const harmonic::HarmonicBasis& basis,
                                                          const std::string& path,
                                                          const std::string& identity,
                                                          const PosteriorShape& expected, std::size_t pixels,
                                                          posterior::SampleSummary& samples,
                                                          std::vector<posterior::ScaleSignificance>& scales);

}  // namespace tessera::apps
