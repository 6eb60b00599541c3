#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/networks.hpp"
#include "inference/signal_covariance.hpp"
#include "io/map_writer.hpp"
#include "survey/survey_sky.hpp"

namespace tessera::apps {

/// A survey on its sky, and the prior.
struct PosteriorInput {
  const survey::SurveySky* sky;
  const std::vector<double>*gamma1, *gamma2, *noise_sigma;  // this rank's pixels
  const theory::PowerSpectrum* spectrum;
  const ScoreModel* model;  // null: the Gaussian prior
  double prior_reach;       // radians from the data to where the learned prior ends
};

/// What all methods that know a prior beyond the Gaussian one work on: data and noise of both components, the
/// prior's spectrum and its learned part. This rank's pixels.
class PosteriorProblem {
 public:
  /// What `input` points to must outlive this object; side: of the network's tiles, pixels. Collective.
  PosteriorProblem(const PosteriorInput& input, bool pixel_window, std::uint64_t side);

  [[nodiscard]] const survey::SurveySky& sky() const { return *input_.sky; }
  [[nodiscard]] const harmonic::HarmonicBasis& basis() const { return input_.sky->basis(); }
  [[nodiscard]] const ScoreModel* model() const { return input_.model; }
  [[nodiscard]] const std::vector<double>& spectrum() const { return spectrum_; }
  [[nodiscard]] const std::vector<double>& data() const { return data_; }          // [gamma1, gamma2][pixel]
  [[nodiscard]] const std::vector<double>& variance() const { return variance_; }  // the same; 0 without data
  [[nodiscard]] posterior::ResidualScore* residual() const { return residual_.get(); }

  /// A number that tells surveys apart. Collective.
  [[nodiscard]] double fingerprint() const;

 private:
  PosteriorInput input_;
  std::vector<double> spectrum_, data_, variance_;
  std::unique_ptr<posterior::ResidualScore> residual_;
};

}  // namespace tessera::apps
