#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mpi/communicator.hpp"
#include "network/unet.hpp"

namespace tessera::network {

/// One training example: a window of maps, and what the network should make of it.
struct Example {
  torch::Tensor inputs;    // [1][channels][ny + 2 halo][nx + 2 halo]
  torch::Tensor target;    // [1][1][ny][nx], what the first output should be
  torch::Tensor weight;    // [1][1][ny][nx], of each pixel's loss; undefined: equal
  double sigma = 0.0;      // noise level, of score networks
  std::uint64_t tile = 0;  // of the sphere, where the loss must know it
};

/// The two parts of an example's loss; their gradients are taken of `total`.
struct Loss {
  torch::Tensor total;
  double mean_square;  // of the network's mean over that of the input, weighted: for people to read
};
using LossFunction = std::function<Loss(UNetImpl&, const Example&)>;

struct TrainingOptions {
  std::uint64_t steps = 1000;
  std::uint64_t batch = 2;      // examples a step
  double learning_rate = 2e-3;  // at the top of the schedule: linear rise over `warmup`, then a cosine to 1 %
  std::uint64_t warmup = 100;   // steps
  double average = 0.995;       // decay of the running mean of the weights, which is what is kept
  std::uint64_t validate = 100;  // steps between looks at the held-out examples
  std::uint64_t patience = 10;   // looks without improvement before training stops
  double max_gradient = 1.0;     // longer gradients are shortened to it
};

/// A line of the training's history.
struct HistoryRow {
  double step, training, validation, validation_mean_square, learning_rate;
};

/// Everything that changes while training: enough to go on as if nothing had happened.
struct TrainingState {
  std::uint64_t step = 0;
  std::vector<double> weights, first, second, average;  // Adam's moments, the running mean
  std::vector<double> best;                             // running mean with the lowest held-out loss
  double best_loss = 0.0;
  std::uint64_t looks_since_best = 0;
  double training_sum = 0.0;  // of the losses since the last look
  std::vector<HistoryRow> history;
};

/// Trains a UNet with Adam (Kingma & Ba 2015), data-parallel: the examples of a step are dealt to the ranks,
/// and their gradients are added in the order of the examples, so that the same seed gives the same bits on
/// any number of ranks that evaluate with the same number of threads.
class Trainer {
 public:
  using ExampleSource = std::function<Example(std::uint64_t number)>;

  /// network: its weights are the start; it holds the best weights after run(). comm must outlive this.
  Trainer(const mpi::Communicator& comm, UNet network, LossFunction loss, TrainingOptions options);

  [[nodiscard]] const TrainingState& state() const { return state_; }
  /// Goes on from a state that fits the network.
  void resume(TrainingState state);

  /// training: example `number`, any rank may be asked for any; held_out: of the rank for validation, the
  /// examples `first, first + ranks, ...` of `held_out_count`. after_look is called after every validation,
  /// after_step after every step, collectively. Collective.
  void run(const ExampleSource& training, const std::vector<Example>& held_out, std::uint64_t held_out_count,
           const std::function<void()>& after_look, const std::function<void()>& after_step = {});

 private:
  void take_step(const ExampleSource& training);
  void adam(const std::vector<double>& gradient);
  void look(const std::vector<Example>& held_out, std::uint64_t held_out_count);
  void use(const std::vector<double>& weights);
  [[nodiscard]] double learning_rate() const;
  /// The gradient of an example's loss, one number a parameter; adds the loss to `loss`.
  [[nodiscard]] std::vector<float> gradient(const Example& example, double& loss);

  const mpi::Communicator* comm_;
  UNet network_;
  LossFunction loss_;
  TrainingOptions options_;
  TrainingState state_;
};

}  // namespace tessera::network
