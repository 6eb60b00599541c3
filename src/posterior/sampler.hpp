#pragma once

#include <functional>
#include <optional>

#include "mpi/communicator.hpp"
#include "posterior/descent.hpp"
#include "posterior/hmc.hpp"

namespace tessera::posterior {

struct SamplerOptions {
  HmcOptions hmc;
  double sigma = 0.0;                      // rms of the noise in a pixel that is counted to the field
  double lowest_sigma = 0.01;              // last level of the descent
  std::uint64_t levels = 10;               // of the descent
  std::uint64_t burn_in = 40;              // trajectories before a chain's first sample
  std::uint64_t trajectories = 8;          // from sample to sample
  inference::CgOptions start{1e-4, 1000};  // for the start of a chain
  double large_scales = 1e-3;              // tolerance of their draws
};

/// What a chain holds between two trajectories of its burn-in, or between two samples: enough to go on with
/// the same bits.
struct ChainState {
  std::uint32_t samples = 0;         // that it has given
  std::uint64_t burn_in = 0;         // trajectories of the burn-in that are done
  std::uint64_t burn_in_scores = 0;  // that the burn-in took and no sample counts yet
  HmcState hmc;
};

/// The noise level at which to sample: `share` of the least noise of any pixel, within what the score knows.
/// variance: of the data, 0 where there are none. Error if the noise is too low. Collective.
[[nodiscard]] double sampling_sigma(const mpi::Communicator& comm, ConstPixels variance, double share,
                                    const ResidualScore* residual);

/// Chains of samples of p(kappa | d): an exact draw under the Gaussian prior, Hamiltonian Monte Carlo on the
/// blurred posterior, and from each of its states a descent to kappa.
class Sampler {
 public:
  /// Arguments as of BlurredPosterior and Descent; what is passed by reference must outlive this object.
  Sampler(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
          const std::vector<double>& spectrum, ConstPixels data, ConstPixels variance,
          ResidualScore* residual, const SamplerOptions& options, std::uint64_t seed);

  /// Draws where chain `number` begins. Collective.
  void begin(std::uint32_t number);
  /// Goes on with a chain. Collective.
  void resume(std::uint32_t number, ChainState state);
  /// What is left of the burn-in; `progress` is called after every trajectory. Collective.
  void burn_in(const std::function<void()>& progress = {});

  /// The chain's next sample, coefficients of kappa. expected: what the states of the chain on the way there
  /// expect of kappa, E[kappa | x] in their mean. Its mean over samples is that of kappa itself, with the
  /// scatter of the descents left out and every state counted: the better estimate of the posterior mean
  /// (Rao-Blackwell). Collective.
  void next(Modes kappa, Modes expected, const std::function<void()>& progress = {});

  /// Leapfrog step in use: at most 0.85 of the limit of stability at a draw under the Gaussian prior.
  [[nodiscard]] double step() const { return options_.hmc.step; }
  [[nodiscard]] const Hmc& chain() const { return *hmc_; }
  [[nodiscard]] ChainState state() const;
  [[nodiscard]] BlurredPosterior& blurred() { return blurred_; }
  /// What the last sample took; scores with those of its descent, and for a chain's first with its burn-in's.
  [[nodiscard]] const HmcCounts& sample_counts() const { return sample_counts_; }
  /// Steps of next(), for progress.
  [[nodiscard]] std::uint64_t steps_per_sample() const { return options_.trajectories + 1; }

 private:
  void take_chain(std::uint32_t number);
  /// A Gibbs step between trajectories and descent.
  void redraw_large_scales();
  /// Adds what the chain's state expects of kappa, times `share`.
  void add_expected(double share, Modes expected) const;
  /// A draw of the blurred posterior under the Gaussian prior.
  [[nodiscard]] std::vector<Complex> gaussian_draw(std::uint64_t seed) const;

  std::vector<double> gain_, unit_;  // of the chain's position and residual in the mean of kappa
  BlurredPosterior blurred_;
  Descent descent_;
  SamplerOptions options_;
  std::uint64_t seed_, chain_seed_ = 0;
  std::optional<Hmc> hmc_;
  std::uint32_t samples_ = 0;
  HmcCounts sample_counts_;
  std::uint64_t burnt_in_ = 0, burn_in_scores_ = 0;
};

}  // namespace tessera::posterior
