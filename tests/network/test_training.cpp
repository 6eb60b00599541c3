// torch defines CHECK, as Catch does.
#include <torch/torch.h>
#undef CHECK

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "network/checkpoint.hpp"
#include "network/deepmass_training.hpp"
#include "network/model_file.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using network::Example;
using network::Trainer;
using network::TrainingOptions;
using network::TrainingState;
using network::UNet;

namespace {

constexpr std::int64_t halo = 12, side = 24;

UNet small_unet() {
  torch::manual_seed(4);
  return UNet(network::UNetOptions{2, 2, {6, 8}, 1});
}

/// The second input says how noisy the target is: target = 0.5 first input + scale(second) * noise.
Example example(std::uint64_t number) {
  const RandomStream stream(9, Purpose::test, static_cast<std::uint32_t>(number));
  torch::Tensor inputs = torch::empty({1, 2, side + 2 * halo, side + 2 * halo}),
                noise = torch::empty({1, 1, side, side});
  for (std::int64_t i = 0; i < inputs.numel() / 2; ++i) {
    const auto pair = stream.normals(static_cast<std::uint64_t>(i));
    inputs.data_ptr<float>()[i] = static_cast<float>(pair[0]);
    inputs.data_ptr<float>()[inputs.numel() / 2 + i] = pair[1] > 0.0 ? 1.0F : 0.0F;
  }
  for (std::int64_t i = 0; i < noise.numel(); ++i)
    noise.data_ptr<float>()[i] = static_cast<float>(stream.normals(static_cast<std::uint64_t>(i), 1)[0]);
  const torch::Tensor inner = inputs.slice(2, halo, halo + side).slice(3, halo, halo + side);
  const torch::Tensor scale = 0.5 + inner.slice(1, 1, 2);
  return {inputs, 0.5 * inner.slice(1, 0, 1) + scale * noise, torch::ones({1, 1, side, side})};
}

TrainingOptions options(std::uint64_t steps) {
  TrainingOptions o;
  o.steps = steps;
  o.batch = 3;
  o.warmup = 4;
  o.validate = 4;
  o.average = 0.9;
  return o;
}

constexpr std::uint64_t held_out_count = 5;
constexpr std::uint64_t first_held_out = 1000;

std::vector<Example> held_out(const mpi::Communicator& comm) {
  std::vector<Example> examples;
  for (auto i = static_cast<std::uint64_t>(comm.rank()); i < held_out_count;
       i += static_cast<std::uint64_t>(comm.size()))
    examples.push_back(example(first_held_out + i));
  return examples;
}

void run(
    Trainer& trainer, const mpi::Communicator& comm, const std::function<void()>& after_look = [] {}) {
  trainer.run(example, held_out(comm), held_out_count, after_look);
}

void require_same(const TrainingState& a, const TrainingState& b) {
  CHECK(a.step == b.step);
  CHECK(a.weights == b.weights);
  CHECK(a.first == b.first);
  CHECK(a.second == b.second);
  CHECK(a.average == b.average);
  CHECK(a.best == b.best);
  CHECK(a.best_loss == b.best_loss);
  REQUIRE(a.history.size() == b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    CHECK(a.history[i].training == b.history[i].training);
    CHECK(a.history[i].validation == b.history[i].validation);
  }
}

}  // namespace

TEST_CASE("training: the same bits on any number of ranks") {
  at::set_num_threads(1);
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  Trainer ours(comm, small_unet(), network::deepmass_loss(0.1), options(10));
  run(ours, comm);
  Trainer one(alone, small_unet(), network::deepmass_loss(0.1), options(10));
  run(one, alone);
  CHECK(ours.state().history.size() == 3);
  require_same(ours.state(), one.state());
}

TEST_CASE("training that is stopped and goes on from its checkpoint ends with the same bits") {
  at::set_num_threads(1);
  const mpi::Communicator comm;
  Trainer whole(comm, small_unet(), network::deepmass_loss(0.1), options(12));
  run(whole, comm);

  const test::TemporaryFolder folder(comm);
  const io::CheckpointHead head = network::training_head("options");
  const io::Checkpoints checkpoints(comm, folder.path("model.h5.checkpoint"), head);
  struct Killed {};
  Trainer first(comm, small_unet(), network::deepmass_loss(0.1), options(12));
  CHECK_THROWS_AS(run(first, comm,
                      [&] {
                        CHECK(checkpoints.save([&](io::AtomicFile& file) {
                          io::MapWriter writer(comm, file, 1e4, 10);
                          io::begin_checkpoint(writer, file, head);
                          network::write_checkpoint(writer, first.state());
                          writer.commit();
                        }));
                        if (first.state().step == 8) throw Killed{};
                      }),
                  Killed);
  const std::size_t weights = whole.state().weights.size();
  Trainer second(comm, small_unet(), network::deepmass_loss(0.1), options(12));
  const std::string path = checkpoints.resume(
      [&](const std::string& name) { second.resume(network::read_checkpoint(name, weights)); });
  CHECK(path == checkpoints.path());
  CHECK(second.state().step == 8);
  CHECK_THROWS_AS(network::read_checkpoint(path, weights + 1), Error);
  run(second, comm);
  require_same(second.state(), whole.state());
  comm.barrier();
}
TEST_CASE("a step is LibTorch's Adam on the mean of the gradients") {
  at::set_num_threads(1);
  const mpi::Communicator alone(MPI_COMM_SELF);
  TrainingOptions o = options(6);
  o.max_gradient = 1e9;
  Trainer trainer(alone, small_unet(), network::deepmass_loss(0.1), o);
  run(trainer, alone);

  UNet net = small_unet();
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(o.learning_rate));
  const network::LossFunction loss = network::deepmass_loss(0.1);
  for (std::uint64_t step = 0; step < o.steps; ++step) {
    const double part = std::max(0.0, (static_cast<double>(step) - 4.0) / 2.0);
    const double rate = step < 4 ? o.learning_rate * (static_cast<double>(step) + 1.0) / 4.0
                                 : o.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + std::cos(M_PI * part)));
    for (auto& group : adam.param_groups()) static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
    adam.zero_grad();
    torch::Tensor sum = torch::zeros({});
    for (std::uint64_t i = 0; i < o.batch; ++i)
      sum = sum + loss(*net, example(step * o.batch + i)).total / 3.0;
    sum.backward();
    adam.step();
  }
  const std::vector<float> expected = network::flat_parameters(*net);
  const std::vector<float> start = network::flat_parameters(*small_unet());
  double moved = 0.0;
  for (std::size_t p = 0; p < expected.size(); ++p) {
    moved = std::max(moved, static_cast<double>(std::abs(expected[p] - start[p])));
    // Adam divides small gradients by their size: what they lose to rounding shows.
    REQUIRE(trainer.state().weights[p] == Approx(expected[p]).margin(2e-5));
  }
  CHECK(moved > 2e-3);
}

TEST_CASE("the two outputs learn the mean and the variance of what they are trained on") {
  at::set_num_threads(1);
  const mpi::Communicator comm;
  UNet net = small_unet();
  TrainingOptions o = options(300);
  o.learning_rate = 1e-2;
  o.validate = 100;
  Trainer trainer(comm, net, network::deepmass_loss(0.3), o);
  run(trainer, comm);
  const torch::NoGradGuard guard;
  std::array<double, 2> variance{}, square{}, count{};
  double within = 0.0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Example fresh = example(5000 + i);
    const torch::Tensor out =
        net->forward(fresh.inputs).slice(2, halo, halo + side).slice(3, halo, halo + side);
    const torch::Tensor v = out.slice(1, 1, 2).exp(), error = (fresh.target - out.slice(1, 0, 1)).square();
    const torch::Tensor noisy =
        fresh.inputs.slice(1, 1, 2).slice(2, halo, halo + side).slice(3, halo, halo + side);
    for (const std::size_t k : {0U, 1U}) {
      const torch::Tensor chosen = k == 1 ? noisy : 1.0 - noisy;
      variance[k] += (chosen * v).sum().item<double>();
      square[k] += (chosen * error).sum().item<double>();
      count[k] += chosen.sum().item<double>();
    }
    within += (error < v).to(torch::kDouble).mean().item<double>() / 20.0;
  }
  // Noise of 0.5 and 1.5, with what a short training leaves.
  CHECK(square[0] / count[0] == Approx(0.25).epsilon(0.10));
  CHECK(square[1] / count[1] == Approx(2.25).epsilon(0.10));
  CHECK(variance[0] / count[0] == Approx(square[0] / count[0]).epsilon(0.15));
  CHECK(variance[1] / count[1] == Approx(square[1] / count[1]).epsilon(0.15));
  CHECK(within == Approx(0.683).margin(0.03));
}

TEST_CASE("training stops when held-out examples get no better, and keeps the best") {
  at::set_num_threads(1);
  const mpi::Communicator comm;
  TrainingOptions o = options(4000);
  o.learning_rate = 0.5;  // far too high
  o.patience = 3;
  Trainer trainer(comm, small_unet(), network::deepmass_loss(0.1), o);
  try {
    run(trainer, comm);
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::Contains("diverged"));
    return;
  }
  CHECK(trainer.state().step < 4000);
  CHECK(trainer.state().looks_since_best == 3);
  for (const auto& row : trainer.state().history) CHECK(row.validation >= trainer.state().best_loss);
}
