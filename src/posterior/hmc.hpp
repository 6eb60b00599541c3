#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "posterior/blurred_posterior.hpp"

namespace tessera::posterior {

struct HmcOptions {
  /// Of the leapfrog, in units in which a mode of the mean noise has frequency 1 (stable below 2).
  double step = 1.0;
  /// Momentum kept at a refreshment: 0 for plain HMC.
  double persistence = 0.85;
  /// Leapfrog steps from one refreshment to the next: 1 is generalised HMC (Horowitz 1991).
  std::uint64_t leapfrogs = 1;
  /// Accept or reject trajectories by their energy error, the prior's part of which is the integral of its
  /// score along the trajectory. Without it the momentum is refreshed in the middle of a step, which leaves
  /// no error in a Gaussian posterior for any step (Leimkuhler & Matthews 2013).
  bool metropolis = false;
};

/// What a chain is made of: enough to go on with the same bits.
struct HmcState {
  std::vector<Complex> position, velocity;  // [component][mode], whitened
  std::uint32_t refreshments = 0;
};

/// Sums over a chain's trajectories.
struct HmcCounts {
  std::uint64_t trajectories = 0, accepted = 0;
  std::uint64_t energies = 0;                            // trajectories whose energy error was measured
  double energy_error = 0.0, energy_error_square = 0.0;  // sums
  std::uint64_t scores = 0;                              // gradients taken
};

/// Hamiltonian Monte Carlo on a blurred posterior, whose mass matrix is the harmonic diagonal of its Gaussian
/// part. Every random number belongs to (seed, refreshment, mode).
class Hmc {
 public:
  /// target must outlive this object.
  Hmc(BlurredPosterior& target, HmcOptions options, std::uint64_t seed);

  /// Begins at a position, with a fresh momentum. Collective.
  void begin(std::vector<Complex> position);
  /// Goes on from a state. Collective.
  void resume(HmcState state);

  /// Goes on from another position with the momentum as it is: after a draw of some modes given the others,
  /// which leaves the posterior as it is. Collective.
  void move(std::vector<Complex> position);

  /// One trajectory. measured: whether its energy error is wanted, which costs a little; with Metropolis'
  /// correction it always is. Collective.
  void advance(bool measured = true);

  [[nodiscard]] const HmcState& state() const { return state_; }
  [[nodiscard]] const HmcCounts& counts() const { return counts_; }
  /// Counts since the last call, or since the beginning or the resumption.
  HmcCounts take_counts() { return std::exchange(counts_, {}); }
  /// The gradient at the state's position.
  [[nodiscard]] const BlurredPosterior::Gradient& gradient() const { return gradient_; }

  /// One leapfrog step of `step`, which may be negative: back the same way. Collective.
  void leapfrog(double step, bool refresh_within = false);

  /// Minus the log density of position and momentum but for what the prior adds. Collective.
  [[nodiscard]] double gaussian_energy() const;

 private:
  void kick(double time);
  void drift(double time);
  void refresh(double persistence);
  [[nodiscard]] double kinetic() const;
  void take_gradient();

  BlurredPosterior* target_;
  HmcOptions options_;
  std::uint64_t seed_;
  HmcState state_;
  HmcCounts counts_;
  BlurredPosterior::Gradient gradient_;
  bool measuring_ = false;  // the trajectory's energy error
  double work_ = 0.0;       // done by the prior's residual score along the trajectory
  double heat_ = 0.0;       // kinetic energy that refreshments within the trajectory brought
  std::vector<Complex> noise_, before_, residual_before_;
  mutable std::vector<Complex> momentum_;
};

}  // namespace tessera::posterior
