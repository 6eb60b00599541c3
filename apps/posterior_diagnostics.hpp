#pragma once

#include <cstddef>
#include <vector>

#include "apps/posterior_problem.hpp"
#include "io/map_writer.hpp"
#include "posterior/chain_statistics.hpp"
#include "posterior/predictive.hpp"
#include "posterior/sampler.hpp"

namespace tessera::apps {

/// Columns of a sample's row of figures.
struct SeriesLayout {
  std::size_t bands, pixels;
  [[nodiscard]] static std::size_t chi2() { return 0; }
  [[nodiscard]] static std::size_t power() { return 1; }
  [[nodiscard]] std::size_t e_residual() const { return 1 + bands; }
  [[nodiscard]] std::size_t b_residual() const { return 1 + 2 * bands; }
  [[nodiscard]] std::size_t pixel() const { return 1 + 3 * bands; }
  [[nodiscard]] std::size_t counts() const { return pixel() + pixels; }
  static constexpr std::size_t count_columns = 6;
  [[nodiscard]] std::size_t columns() const { return counts() + count_columns; }
};

/// What tells whether posterior samples may be believed, from a row of figures of every sample, [chain after
/// chain][SeriesLayout]: how the sampler moved, whether its chains agree (R-hat, effective samples), whether
/// the data are as the samples predict. Written as /diagnostics/posterior; what is wrong is said in words
/// too.
class PosteriorDiagnostics {
 public:
  PosteriorDiagnostics(const PosteriorProblem& problem, const posterior::PredictiveTests& tests,
                       const SeriesLayout& layout, const std::vector<std::vector<double>>& rows,
                       std::size_t chains);

  /// options: as in use. Collective.
  void write(io::MapWriter& writer, const posterior::SamplerOptions& options) const;

 private:
  /// The series of a column, by chain.
  [[nodiscard]] posterior::ChainSeries series(std::size_t column) const;
  [[nodiscard]] double mean_of_column(std::size_t column) const;
  /// Of all samples, a column of their counts.
  [[nodiscard]] double total_of(std::size_t count) const;
  void write_sampler(io::MapWriter& writer, const posterior::SamplerOptions& options) const;
  void write_mixing(io::MapWriter& writer) const;
  void write_predictive(io::MapWriter& writer) const;

  const PosteriorProblem* problem_;
  const posterior::PredictiveTests* tests_;
  SeriesLayout layout_;
  const std::vector<std::vector<double>>* rows_;
  std::size_t chains_, samples_;  // samples: of a chain
};

}  // namespace tessera::apps
