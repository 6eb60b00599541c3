#include "posterior/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/error.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::posterior {

double sampling_sigma(const mpi::Communicator& comm, ConstPixels variance, double share,
                      const ResidualScore* residual) {
  double least = std::numeric_limits<double>::infinity();
  for (const double v : variance)
    if (v > 0.0) least = std::min(least, v);
  least = std::sqrt(comm.min(least));
  if (!std::isfinite(least))
    fail("no pixel holds a galaxy, so there is no shear to sample from; check the field and the catalogue");
  if (residual == nullptr) return share * least;
  if (share * least < residual->lowest_sigma())
    fail(
        "the least noise of a pixel is {:.3g} in shear, of which {:.0f} % would be counted to the field, and "
        "the "
        "score network begins at {:.3g}; use smaller pixels or a model trained from lower --sigma",
        least, 100.0 * share, residual->lowest_sigma());
  return std::min(share * least, residual->highest_sigma());
}

Sampler::Sampler(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
                 const std::vector<double>& spectrum, ConstPixels data, ConstPixels variance,
                 ResidualScore* residual, const SamplerOptions& options, std::uint64_t seed)
    : gain_(spectrum.size()),
      unit_(spectrum.size()),
      blurred_(basis, forward, spectrum, data, variance, options.sigma, residual),
      descent_(basis, spectrum,
               Descent::schedule(options.sigma, std::min(options.lowest_sigma, 0.5 * options.sigma),
                                 options.levels),
               residual),
      options_(options),
      seed_(seed) {
  const double area = basis.pixel_area(), sigma = options.sigma;
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    gain_[k] = gaussian_gain(spectrum[k], sigma) * std::sqrt((spectrum[k] + sigma * sigma) * area);
    unit_[k] = residual_unit(spectrum[k], sigma) * std::sqrt(area);
  }
  // Other states may be stiffer than this one.
  constexpr double share_of_limit = 0.85;
  options_.hmc.step =
      std::min(options_.hmc.step, share_of_limit * 2.0 / std::sqrt(blurred_.stiffness(gaussian_draw(seed))));
}

std::vector<Complex> Sampler::gaussian_draw(std::uint64_t seed) const {
  std::vector<Complex> draw(blurred_.size());
  if (!blurred_.gaussian_draw(seed, options_.start, draw))
    fail(
        "the Gaussian start of a chain did not reach the tolerance {:.1e} in {} iterations; raise "
        "--max-iterations",
        options_.start.tolerance, options_.start.max_iterations);
  return draw;
}

void Sampler::take_chain(std::uint32_t number) {
  chain_seed_ = RandomStream(seed_, Purpose::chain_seed).seed(number);
  hmc_.emplace(blurred_, options_.hmc, chain_seed_);
  samples_ = 0;
  burnt_in_ = burn_in_scores_ = 0;
}

void Sampler::begin(std::uint32_t number) {
  take_chain(number);
  hmc_->begin(gaussian_draw(chain_seed_));
}

void Sampler::resume(std::uint32_t number, ChainState state) {
  take_chain(number);
  samples_ = state.samples;
  burnt_in_ = state.burn_in;
  burn_in_scores_ = state.burn_in_scores;
  hmc_->resume(std::move(state.hmc));
}

void Sampler::burn_in(const std::function<void()>& progress) {
  TESSERA_REQUIRE(hmc_.has_value());
  while (burnt_in_ < options_.burn_in) {
    hmc_->advance(false);
    ++burnt_in_;
    if (progress) progress();
  }
  burn_in_scores_ += hmc_->take_counts().scores;
}

ChainState Sampler::state() const {
  TESSERA_REQUIRE(hmc_.has_value());
  return {samples_, burnt_in_, burn_in_scores_ + hmc_->counts().scores, hmc_->state()};
}

void Sampler::add_expected(double share, Modes expected) const {
  const std::vector<Complex>&position = hmc_->state().position, &residual = hmc_->gradient().residual;
  for (std::size_t k = 0; k < expected.size(); ++k) expected[k] += share * gain_[k] * position[k];
  for (std::size_t k = 0; k < residual.size(); ++k) expected[k] += share * unit_[k] * residual[k];
}

void Sampler::redraw_large_scales() {
  if (!blurred_.has_large_scales()) return;
  std::vector<Complex> position = hmc_->state().position;
  const inference::CgOptions options{options_.large_scales, options_.start.max_iterations};
  if (!blurred_.redraw_large_scales(chain_seed_, samples_ + 1, options, position))
    fail(
        "the draw of large scales did not reach the tolerance {:.1e} in {} iterations; raise "
        "--max-iterations",
        options.tolerance, options.max_iterations);
  hmc_->move(std::move(position));
}

void Sampler::next(Modes kappa, Modes expected, const std::function<void()>& progress) {
  TESSERA_REQUIRE(hmc_.has_value());
  std::fill(expected.begin(), expected.end(), Complex(0.0));
  for (std::uint64_t i = 0; i < options_.trajectories; ++i) {
    hmc_->advance(i + 1 == options_.trajectories);
    add_expected(1.0 / static_cast<double>(options_.trajectories), expected);
    if (progress) progress();
  }
  redraw_large_scales();
  blurred_.unwhiten(hmc_->state().position, kappa);
  // The chain has the score at this place and level already, in units of the whitened state.
  std::vector<Complex> white = hmc_->gradient().residual;
  const double unit = std::sqrt(blurred_.basis().pixel_area());
  for (Complex& mode : white) mode *= unit;
  std::optional<ConstModes> known;
  if (blurred_.has_learned_prior()) known = white;
  descent_.draw(kappa, known, chain_seed_, samples_++);
  sample_counts_ = hmc_->take_counts();
  sample_counts_.scores += descent_.scores() + std::exchange(burn_in_scores_, 0);
  if (progress) progress();
}

}  // namespace tessera::posterior
