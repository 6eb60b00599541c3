#include "posterior/hmc.hpp"

#include <cmath>

#include "core/error.hpp"

namespace tessera::posterior {

Hmc::Hmc(BlurredPosterior& target, HmcOptions options, std::uint64_t seed)
    : target_(&target), options_(options), seed_(seed), noise_(target.size()), momentum_(target.size()) {
  TESSERA_REQUIRE(options.step > 0.0 && options.persistence >= 0.0 && options.persistence < 1.0 &&
                  options.leapfrogs > 0);
}

void Hmc::begin(std::vector<Complex> position) {
  TESSERA_REQUIRE(position.size() == target_->size());
  state_ = {std::move(position), std::vector<Complex>(target_->size()), 0};
  refresh(0.0);
  take_gradient();
}

void Hmc::resume(HmcState state) {
  TESSERA_REQUIRE(state.position.size() == target_->size() && state.velocity.size() == target_->size());
  state_ = std::move(state);
  take_gradient();
  counts_ = {};  // the gradient was counted when it was first taken
}

void Hmc::move(std::vector<Complex> position) {
  TESSERA_REQUIRE(position.size() == target_->size());
  state_.position = std::move(position);
  take_gradient();
}

void Hmc::take_gradient() {
  target_->gradient(state_.position, gradient_);
  ++counts_.scores;
}

void Hmc::kick(double time) {
  const auto mass = target_->mass();
  auto& v = state_.velocity;
  const std::size_t learned = gradient_.residual.size();
  for (std::size_t k = 0; k < learned; ++k)
    v[k] += time / mass[k] * (gradient_.gaussian[k] + gradient_.residual[k]);
  for (std::size_t k = learned; k < v.size(); ++k) v[k] += time / mass[k] * gradient_.gaussian[k];
}

void Hmc::drift(double time) {
  for (std::size_t k = 0; k < state_.position.size(); ++k) state_.position[k] += time * state_.velocity[k];
}

void Hmc::refresh(double persistence) {
  target_->white_noise(seed_, Purpose::chain_momentum, state_.refreshments++, noise_);
  const auto mass = target_->mass();
  const double fresh = std::sqrt(1.0 - persistence * persistence);
  for (std::size_t k = 0; k < noise_.size(); ++k)
    state_.velocity[k] = persistence * state_.velocity[k] + fresh / std::sqrt(mass[k]) * noise_[k];
}

double Hmc::kinetic() const {
  const auto mass = target_->mass();
  for (std::size_t k = 0; k < mass.size(); ++k) momentum_[k] = mass[k] * state_.velocity[k];
  return 0.5 * target_->dot(momentum_, state_.velocity);
}

double Hmc::gaussian_energy() const {
  return kinetic() - target_->gaussian_log_density(state_.position, gradient_);
}

void Hmc::leapfrog(double step, bool refresh_within) {
  if (measuring_) {
    before_ = state_.position;
    residual_before_ = gradient_.residual;
  }
  kick(0.5 * step);
  drift(0.5 * step);
  if (refresh_within) {
    const double before = measuring_ ? kinetic() : 0.0;
    refresh(options_.persistence);
    if (measuring_) heat_ += kinetic() - before;
  }
  drift(0.5 * step);
  take_gradient();
  kick(0.5 * step);
  if (!measuring_ || !target_->has_learned_prior()) return;
  // The trapezoidal rule along the step.
  const std::size_t modes = gradient_.residual.size();
  for (std::size_t k = 0; k < modes; ++k) {
    before_[k] = state_.position[k] - before_[k];
    residual_before_[k] = 0.5 * (residual_before_[k] + gradient_.residual[k]);
  }
  work_ += target_->basis().dot(ConstModes(residual_before_), ConstModes(before_).first(modes));
}

void Hmc::advance(bool measured) {
  if (options_.metropolis) refresh(options_.persistence);
  measuring_ = measured || options_.metropolis;
  const double energy = measuring_ ? gaussian_energy() : 0.0;
  const HmcState start = options_.metropolis ? state_ : HmcState{};
  const BlurredPosterior::Gradient start_gradient =
      options_.metropolis ? gradient_ : BlurredPosterior::Gradient{};
  work_ = heat_ = 0.0;
  for (std::uint64_t i = 0; i < options_.leapfrogs; ++i)
    leapfrog(options_.step, !options_.metropolis && i == 0);
  const double error = measuring_ ? gaussian_energy() - energy - work_ - heat_ : 0.0;
  // Whitened, the state has about unit variance; the network knows nothing far from there, and may drive on.
  constexpr double most = 25.0;
  const double size =
      target_->dot(state_.position, state_.position) /
      (static_cast<double>(target_->components()) * static_cast<double>(target_->basis().total_pixels()));
  if (!std::isfinite(error) || !(size < most))
    fail(
        "the chain has run away after {} trajectories, so its samples would be wrong: the noise is too "
        "uneven "
        "for the step, or the field is unlike the score network's training; give a smaller --hmc-step or "
        "--sigma-share",
        counts_.trajectories + 1);
  ++counts_.trajectories;
  counts_.energies += measuring_ ? 1 : 0;
  counts_.energy_error += error;
  counts_.energy_error_square += error * error;
  if (options_.metropolis) {
    const auto [chance, unused] =
        RandomStream(seed_, Purpose::chain_acceptance).uniforms(state_.refreshments);
    if (std::log(chance) >= -error) {
      const std::uint32_t refreshments = state_.refreshments;
      state_ = start;
      state_.refreshments = refreshments;
      for (Complex& v : state_.velocity) v = -v;  // what makes partial refreshment correct
      gradient_ = start_gradient;
      return;
    }
  }
  ++counts_.accepted;
}

}  // namespace tessera::posterior
