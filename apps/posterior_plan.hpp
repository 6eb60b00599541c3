#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/posterior_checkpoint.hpp"
#include "apps/posterior_diagnostics.hpp"
#include "apps/posterior_problem.hpp"
#include "apps/sampler_options.hpp"

namespace tessera::apps {

/// What `map --methods posterior` makes beside the samples.
struct PosteriorSettings {
  std::uint32_t chains, samples;       // samples of every chain
  std::optional<std::uint32_t> chain;  // the only one to be sampled
  std::vector<double> scales;          // of detections, arcmin
  double threshold;                    // in standard deviations of the smoothed prior
  double detection_probability;
  double checkpoint_minutes;
  bool resume, overwrite;
  std::string out;            // file of the maps
  std::string identity;       // of the options, for PosteriorIdentity
  std::string configuration;  // the options themselves, without those of one run
  std::uint64_t seed;

  PosteriorSettings(const config::Values& values, std::uint32_t samples);
};

/// What runs that sample chains and one that gathers them have in common: the problem, the sampler's options
/// as they are used, and what is noted of every sample.
class PosteriorPlan {
 public:
  /// problem and settings must outlive this object. Collective.
  PosteriorPlan(const PosteriorProblem& problem, const PosteriorSettings& settings,
                const SamplerSettings& sampler);

  [[nodiscard]] const PosteriorProblem& problem() const { return *problem_; }
  [[nodiscard]] const PosteriorSettings& settings() const { return *settings_; }
  [[nodiscard]] const harmonic::HarmonicBasis& basis() const { return problem_->basis(); }
  [[nodiscard]] const posterior::SamplerOptions& options() const { return options_; }
  [[nodiscard]] const SeriesLayout& layout() const { return layout_; }
  [[nodiscard]] const PosteriorIdentity& identity() const { return identity_; }
  [[nodiscard]] PosteriorShape shape() const;
  [[nodiscard]] posterior::PredictiveTests predictive_tests() const;

  /// A scale of detections.
  struct Scale {
    double arcmin, radians;
    double threshold;  // convergence
  };
  [[nodiscard]] const std::vector<Scale>& scales() const { return scales_; }

  /// A run before its first sample, beginning with a chain.
  [[nodiscard]] PosteriorProgress beginning(std::uint32_t chain) const;
  [[nodiscard]] PosteriorRecord no_samples() const;

 private:
  const PosteriorProblem* problem_;
  const PosteriorSettings* settings_;
  posterior::SamplerOptions options_;
  SeriesLayout layout_;
  std::size_t stored_;  // this rank's pixels in files
  std::vector<Scale> scales_;
  PosteriorIdentity identity_;
};

}  // namespace tessera::apps
