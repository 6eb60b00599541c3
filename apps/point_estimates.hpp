#pragma once

#include "apps/posterior_problem.hpp"
#include "apps/stage_clock.hpp"
#include "config/options.hpp"
#include "posterior/posterior_mode.hpp"
#include "posterior/sparse.hpp"

namespace tessera::apps {

/// Single maps that a prior beyond the Gaussian one gives: the maximum of the posterior under the learned
/// prior, and under sparse priors as classical comparisons.
struct PointSettings {
  bool mode = false, starlet = false, total_variation = false;
  posterior::ModeOptions mode_options;
  posterior::SparseOptions sparse;
  std::uint64_t scales = 0;
  double strength = 1.0;

  [[nodiscard]] bool any() const { return mode || starlet || total_variation; }
  [[nodiscard]] std::uint64_t maps() const {
    return (mode ? 1U : 0U) + (starlet ? 1U : 0U) + (total_variation ? 1U : 0U);
  }
  /// Reads and checks the options of point_options().
  void read(const config::Values& values);
};

[[nodiscard]] std::vector<config::Option> point_options();

/// Makes and writes the maps asked for. sigma_share: as of SamplerSettings. Collective.
void write_point_estimates(const PosteriorProblem& problem, const PointSettings& settings, double sigma_share,
                           io::MapWriter& writer, StageClock& clock);

}  // namespace tessera::apps
