#include "network/training.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "network/model_file.hpp"

namespace tessera::network {
namespace {

constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // Adam's
constexpr double final_rate = 0.01;

}  // namespace

Trainer::Trainer(const mpi::Communicator& comm, UNet network, LossFunction loss, TrainingOptions options)
    : comm_(&comm), network_(std::move(network)), loss_(std::move(loss)), options_(options) {
  const std::vector<float> start = flat_parameters(*network_);
  state_.weights.assign(start.begin(), start.end());
  state_.average = state_.best = state_.weights;
  state_.first.assign(start.size(), 0.0);
  state_.second = state_.first;
}

void Trainer::resume(TrainingState state) {
  TESSERA_REQUIRE(state.weights.size() == state_.weights.size());
  state_ = std::move(state);
}

double Trainer::learning_rate() const {
  const auto step = static_cast<double>(state_.step), warmup = static_cast<double>(options_.warmup);
  if (step < warmup) return options_.learning_rate * (step + 1.0) / warmup;
  const double part = (step - warmup) / std::max(1.0, static_cast<double>(options_.steps) - warmup);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(part, 1.0)));
  return options_.learning_rate * (final_rate + (1.0 - final_rate) * cosine);
}

void Trainer::use(const std::vector<double>& weights) {
  set_parameters(*network_, std::vector<float>(weights.begin(), weights.end()));
}

std::vector<float> Trainer::gradient(const Example& example, double& loss) {
  network_->zero_grad();
  const Loss result = loss_(*network_, example);
  result.total.backward();
  loss = result.total.item<double>();
  std::vector<float> values;
  values.reserve(state_.weights.size());
  for (const torch::Tensor& parameter : network_->parameters()) {
    const torch::Tensor plain = parameter.grad().to(torch::kCPU).contiguous(torch::MemoryFormat::Contiguous);
    values.insert(values.end(), plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  }
  return values;
}

void Trainer::take_step(const ExampleSource& training) {
  const std::size_t count = state_.weights.size();
  // Every rank fills its own examples' rows and leaves zeros elsewhere: the sum over ranks rounds nothing.
  std::vector<double> rows(options_.batch * (count + 1), 0.0);
  mpi::collectively(*comm_, [&] {
    for (std::uint64_t i = static_cast<std::uint64_t>(comm_->rank()); i < options_.batch;
         i += static_cast<std::uint64_t>(comm_->size())) {
      double* const row = rows.data() + i * (count + 1);
      const std::vector<float> values = gradient(training(state_.step * options_.batch + i), row[count]);
      std::copy(values.begin(), values.end(), row);
    }
  });
  comm_->sum(std::span(rows));
  std::vector<double> mean(count, 0.0);
  double loss = 0.0;
  const double share = 1.0 / static_cast<double>(options_.batch);
  for (std::uint64_t i = 0; i < options_.batch; ++i) {
    const double* const row = rows.data() + i * (count + 1);
    for (std::size_t p = 0; p < count; ++p) mean[p] += share * row[p];
    loss += share * row[count];
  }
  if (!std::isfinite(loss))
    fail("the loss is not finite at step {}: training has diverged; lower --learning-rate", state_.step + 1);
  state_.training_sum += loss;
  adam(mean);
}

void Trainer::adam(const std::vector<double>& gradient) {
  double square = 0.0;
  for (const double g : gradient) square += g * g;
  const double clip = std::min(1.0, options_.max_gradient / std::sqrt(std::max(square, 1e-300)));
  const double rate = learning_rate(), t = static_cast<double>(++state_.step);
  const double unbias1 = 1.0 / (1.0 - std::pow(beta1, t)), unbias2 = 1.0 / (1.0 - std::pow(beta2, t));
  // A short memory at first: the start is soon forgotten.
  const double keep = std::min(options_.average, (1.0 + t) / (10.0 + t));
  for (std::size_t p = 0; p < gradient.size(); ++p) {
    const double g = clip * gradient[p];
    state_.first[p] = beta1 * state_.first[p] + (1.0 - beta1) * g;
    state_.second[p] = beta2 * state_.second[p] + (1.0 - beta2) * g * g;
    state_.weights[p] -= rate * unbias1 * state_.first[p] / (std::sqrt(unbias2 * state_.second[p]) + epsilon);
    state_.average[p] = keep * state_.average[p] + (1.0 - keep) * state_.weights[p];
  }
}

void Trainer::look(const std::vector<Example>& held_out, std::uint64_t held_out_count) {
  const torch::NoGradGuard no_gradients;
  use(state_.average);
  std::vector<double> losses(2 * held_out_count, 0.0);
  mpi::collectively(*comm_, [&] {
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      const Loss loss = loss_(*network_, held_out[i]);
      const std::size_t place =
          i * static_cast<std::size_t>(comm_->size()) + static_cast<std::size_t>(comm_->rank());
      losses[2 * place] = loss.total.item<double>();
      losses[2 * place + 1] = loss.mean_square;
    }
  });
  comm_->sum(std::span(losses));
  double total = 0.0, mean_square = 0.0;
  for (std::uint64_t i = 0; i < held_out_count; ++i) {
    total += losses[2 * i] / static_cast<double>(held_out_count);
    mean_square += losses[2 * i + 1] / static_cast<double>(held_out_count);
  }
  const double before = state_.history.empty() ? 0.0 : state_.history.back().step;
  const double training = state_.training_sum / std::max(1.0, static_cast<double>(state_.step) - before);
  state_.training_sum = 0.0;
  state_.history.push_back({static_cast<double>(state_.step), training, total, mean_square, learning_rate()});
  ++state_.looks_since_best;
  if (state_.history.size() == 1 || total < state_.best_loss) {
    state_.best_loss = total;
    state_.best = state_.average;
    state_.looks_since_best = 0;
  }
}

void Trainer::run(const ExampleSource& training, const std::vector<Example>& held_out,
                  std::uint64_t held_out_count, const std::function<void()>& after_look,
                  const std::function<void()>& after_step) {
  log::Progress progress("training", options_.steps);
  while (state_.step < options_.steps && state_.looks_since_best < options_.patience) {
    use(state_.weights);
    take_step(training);
    const bool last = state_.step == options_.steps;
    if (state_.step % options_.validate == 0 || last) {
      look(held_out, held_out_count);
      after_look();
    }
    if (after_step) after_step();
    const std::string note =
        state_.history.empty() ? "" : fmt::format("held-out loss {:.4f}", state_.history.back().validation);
    progress.set(static_cast<double>(state_.step) / static_cast<double>(options_.steps), note);
  }
  if (state_.looks_since_best >= options_.patience)
    log::info("training stopped after {} steps: {} looks at held-out skies without improvement", state_.step,
              state_.looks_since_best);
  use(state_.best);
}

}  // namespace tessera::network
