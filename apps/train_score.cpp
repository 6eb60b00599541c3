// tessera train score: from skies to the learned part of the prior.
#include <cmath>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/train_options.hpp"
#include "apps/training_run.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "network/runtime.hpp"
#include "network/score.hpp"
#include "network/score_training.hpp"

namespace tessera::apps {
namespace {

struct Settings {
  network::UNetOptions unet;
  network::TrainingOptions training;
  double lowest, highest, high_pass;
  std::uint64_t validation, test, seed;

  explicit Settings(const config::Values& values)
      : unet(unet_options(values, static_cast<std::int64_t>(network::score_inputs), 1, true)),
        training(training_options(values)),
        high_pass(values.number("high-pass", 0.0, 1e6)),
        validation(values.count("validation-skies", 1, 100000)),
        test(values.count("test-skies", 2, 100000)),
        seed(values.count("seed", 0, UINT64_MAX)) {
    const auto [low, high] = values.range("sigma", 1e-6, 1e3);
    if (!(low < high))
      fail("--sigma {}:{} is no range; the sampler needs the score from a low to a high noise level", low,
           high);
    lowest = low;
    highest = high;
    require_spectrum(values);
    values.require("out");
  }

  /// The level at a part of the way from the lowest to the highest, in the logarithm.
  [[nodiscard]] double level(double part) const { return lowest * std::pow(highest / lowest, part); }
};

class Examples {
 public:
  Examples(const network::Denoising& denoising, TrainingSkies& skies, const network::NetworkShape& shape,
           const Settings& settings)
      : denoising_(&denoising), skies_(&skies), shape_(shape), settings_(&settings) {
    require_skies(denoising.basis(), shape);
  }

  network::Example training(std::uint64_t number) {
    if (number >= TrainingSkies::first_validation)
      fail("a training can have at most {} examples; lower --steps", TrainingSkies::first_validation);
    const RandomStream choice(settings_->seed, Purpose::training_example);
    const auto [which, symmetry] = choice.uniforms(number);
    const auto [level, unused] = RandomStream(settings_->seed, Purpose::score_level).uniforms(number);
    const bool square = denoising_->basis().nx() == denoising_->basis().ny();
    return denoising_->example(skies_->training(number, which), settings_->level(level),
                               noise(static_cast<std::uint32_t>(number)), shape_,
                               static_cast<int>((square ? 8.0 : 4.0) * symmetry));
  }

  /// This rank's share of the validation skies, their levels evenly spread.
  std::vector<network::Example> validation(const mpi::Communicator& comm) {
    std::vector<network::Example> examples;
    const std::uint64_t count = settings_->validation;
    mpi::collectively(comm, [&] {
      for (auto i = static_cast<std::uint64_t>(comm.rank()); i < count;
           i += static_cast<std::uint64_t>(comm.size())) {
        const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
        examples.push_back(denoising_->example(
            skies_->validation(i), settings_->level(part),
            noise(TrainingSkies::first_validation + static_cast<std::uint32_t>(i)), shape_, 0));
      }
    });
    return examples;
  }

 private:
  [[nodiscard]] RandomStream noise(std::uint32_t realisation) const {
    return {settings_->seed, Purpose::score_noise, realisation};
  }

  const network::Denoising* denoising_;
  TrainingSkies* skies_;
  network::NetworkShape shape_;
  const Settings* settings_;
};

/// Edges of bands of equal width in the logarithm that the skies' modes fill.
std::vector<double> band_edges(const harmonic::PlaneBasis& basis) {
  const auto range = harmonic::PlaneBasis::ell_range({basis.nx(), basis.ny()}, std::sqrt(basis.pixel_area()));
  constexpr double width = 1.5;
  std::vector<double> edges{range.max * 1.0001};
  while (edges.front() > 3.0 * range.min) edges.insert(edges.begin(), edges.front() / width);
  edges.front() = 0.5 * range.min;
  return edges;
}

void score(const mpi::Communicator& comm, const Settings& settings, const network::Denoising& denoising,
           TrainingSkies& skies, network::UNetImpl& net, network::ModelCard& card) {
  constexpr int levels = 12;
  std::vector<double> sigmas;
  for (int i = 0; i < levels; ++i) sigmas.push_back(settings.level(i / (levels - 1.0)));
  const std::vector<double> edges = band_edges(denoising.basis());
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) card.bands.push_back(std::sqrt(edges[b] * edges[b + 1]));
  card.levels = network::score_levels(
      comm, net, denoising, [&](std::uint64_t sky) { return skies.test(sky); }, settings.test,
      TrainingSkies::first_test, sigmas, edges, settings.seed);
  log::info("mean square error of kappa over the Gaussian prior's, {} test skies:", settings.test);
  for (const network::NoiseLevel& level : card.levels)
    log::info("  sigma {:.4f}: {:.4f} +- {:.4f}", level.sigma, level.loss_ratio, level.loss_ratio_error);
}

void run_train_score(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  network::prepare_runtime(1);
  const mpi::Communicator alone = comm.split(comm.rank());
  std::optional<TrainingSkies> skies;
  mpi::collectively(comm, [&] { skies.emplace(alone, values, settings.seed); });
  const network::Denoising denoising(skies->basis(), skies->spectrum(), skies->pixel_averaged(),
                                     settings.high_pass);
  network::UNet net = new_network(settings.unet, settings.seed, skies->description());

  StageClock clock;
  clock.begin("held-out skies");
  Examples examples(denoising, *skies, net->shape(), settings);
  const auto held_out = examples.validation(comm);
  clock.begin("training");
  TrainingRun training(comm, values, file, net, denoising.loss(), settings.training);
  training.run([&](std::uint64_t number) { return examples.training(number); }, held_out, settings.validation,
               "RMSE over the Gaussian prior's");

  clock.begin("scores");
  network::ModelCard card = card_of("score", values, *skies, *net);
  card.noise_low = settings.lowest;
  card.noise_high = settings.highest;
  card.high_pass = settings.high_pass;
  score(comm, settings, denoising, *skies, *net, card);
  training.write(card, skies->spectrum(), clock);
}

}  // namespace

Application train_score_application() {
  return {train_score_command(), run_train_score, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
