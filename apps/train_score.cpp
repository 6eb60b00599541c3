// tessera train score: from skies to the learned part of the prior.
#include <cmath>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/sphere_skies.hpp"
#include "apps/train_options.hpp"
#include "apps/training_run.hpp"
#include "core/error.hpp"
#include "core/interruption.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "network/runtime.hpp"
#include "network/score.hpp"
#include "network/score_training.hpp"

namespace tessera::apps {
namespace {

struct Settings {
  bool sphere, distortion;
  network::UNetOptions unet;
  network::TrainingOptions training;
  double lowest, highest, high_pass;
  std::uint64_t validation, test, seed, cutout, tiles_per_sky;

  explicit Settings(const config::Values& values)
      : sphere(values.choice("grid", {"plane", "healpix"}) == "healpix"),
        distortion(sphere && values.choice("distortion", {"yes", "no"}) == "yes"),
        unet(unet_options(values, static_cast<std::int64_t>(network::score_inputs) + (distortion ? 2 : 0), 1,
                          true)),
        training(training_options(values)),
        high_pass(values.number("high-pass", 0.0, 1e6)),
        validation(values.count("validation-skies", 1, 100000)),
        test(values.count("test-skies", 2, 100000)),
        seed(values.count("seed", 0, UINT64_MAX)),
        cutout(values.count("cutout", 1, 1 << 20)),
        tiles_per_sky(values.count("tiles-per-sky", 1, 1 << 20)) {
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

/// The same from spheres, tile by tile. A sky is blurred anew every few tiles.
class SphereExamples {
 public:
  SphereExamples(const network::SphereDenoising& denoising, SphereSkies& skies, const Settings& settings)
      : denoising_(&denoising),
        skies_(&skies),
        settings_(&settings),
        schedule_(settings.training.batch, settings.tiles_per_sky, denoising.windows().count(),
                  settings.seed) {}

  network::Example training(std::uint64_t number) {
    const std::uint64_t sky = schedule_.sky(number), first = schedule_.first_needed(number);
    const auto& modes = modes_.get(sky, first, [&] { return modes_of(io::Split::train, sky); });
    const std::uint64_t groups = (settings_->tiles_per_sky + tiles_per_level - 1) / tiles_per_level,
                        level = sky * groups + schedule_.turn(number) / tiles_per_level;
    const double part = RandomStream(settings_->seed, Purpose::score_level).uniforms(level)[0];
    // Of a sky the last level alone is kept.
    const auto& blurred = blurred_[number % settings_->training.batch];
    if (!blurred || blurred->first != level)
      blurred_[number % settings_->training.batch].emplace(
          level,
          denoising_->blurred(modes, settings_->level(part), noise(static_cast<std::uint32_t>(level))));
    return denoising_->example(blurred_[number % settings_->training.batch]->second, schedule_.tile(number));
  }

  /// This rank's share of the validation examples, their levels evenly spread.
  std::vector<network::Example> validation(const mpi::Communicator& comm) {
    std::vector<network::Example> examples;
    const std::uint64_t count = settings_->validation;
    mpi::collectively(comm, [&] {
      const std::vector<harmonic::Complex> modes = modes_of(io::Split::validation, 0);
      for (auto i = static_cast<std::uint64_t>(comm.rank()); i < count;
           i += static_cast<std::uint64_t>(comm.size())) {
        const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
        const auto sky =
            denoising_->blurred(modes, settings_->level(part),
                                noise(TrainingSkies::first_validation + static_cast<std::uint32_t>(i)));
        examples.push_back(denoising_->example(sky, (7 * i + 3) % denoising_->windows().count()));
      }
    });
    return examples;
  }

  [[nodiscard]] std::vector<harmonic::Complex> modes_of(io::Split split, std::uint64_t number) {
    const harmonic::SphereBasis& basis = skies_->basis();
    std::vector<harmonic::Complex> modes(basis.mode_count());
    basis.synthesis_adjoint(skies_->kappa(split, number), modes);
    for (auto& mode : modes) mode *= basis.pixel_area();
    return modes;
  }

 private:
  static constexpr std::uint64_t tiles_per_level = 4;

  [[nodiscard]] RandomStream noise(std::uint32_t realisation) const {
    return {settings_->seed, Purpose::score_noise, realisation};
  }

  using Blurred = std::pair<std::uint64_t, network::SphereDenoising::NoisySky>;
  const network::SphereDenoising* denoising_;
  SphereSkies* skies_;
  const Settings* settings_;
  SphereSchedule schedule_;
  SkyCache<std::vector<harmonic::Complex>> modes_;
  std::map<std::uint64_t, std::optional<Blurred>> blurred_;  // by the example's place in its step
};

/// Edges of bands of equal width in the logarithm that the skies' modes fill.
std::vector<double> band_edges(harmonic::EllRange range) {
  constexpr double width = 1.5;
  std::vector<double> edges{range.max * 1.0001};
  while (edges.front() > 3.0 * range.min) edges.insert(edges.begin(), edges.front() / width);
  edges.front() = 0.5 * range.min;
  return edges;
}

/// Figures of the network on test skies, for the card.
using FiguresInBands = std::function<std::vector<double>(
    std::uint64_t sky, double sigma, const RandomStream& noise, const std::vector<double>& edges)>;

void finish(const mpi::Communicator& comm, const config::Values& values, const Settings& settings,
            const SkyFacts& facts, harmonic::EllRange range, const FiguresInBands& figures,
            network::UNetImpl& net, TrainingRun& training, StageClock& clock) {
  clock.begin("scores");
  network::ModelCard card = card_of("score", values, facts, net);
  card.noise_low = settings.lowest;
  card.noise_high = settings.highest;
  card.high_pass = settings.high_pass;
  constexpr int levels = 12;
  std::vector<double> sigmas;
  for (int i = 0; i < levels; ++i) sigmas.push_back(settings.level(i / (levels - 1.0)));
  const std::vector<double> edges = band_edges(range);
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) card.bands.push_back(std::sqrt(edges[b] * edges[b + 1]));
  log::info("scores on {} test skies at {} noise levels:", settings.test, levels);
  card.levels = network::score_levels(
      comm,
      [&](std::uint64_t sky, double sigma, const RandomStream& noise) {
        return figures(sky, sigma, noise, edges);
      },
      settings.test, TrainingSkies::first_test, sigmas, edges.size() - 1, settings.seed,
      [&] { training.heed_requests(); });
  log::info("mean square error of kappa over the Gaussian prior's:");
  for (const network::NoiseLevel& level : card.levels)
    log::info("  sigma {:.4f}: {:.4f} +- {:.4f}", level.sigma, level.loss_ratio, level.loss_ratio_error);
  training.write(card, *facts.spectrum, clock);
}

/// What a training on planes is made of.
struct PlaneTraining {
  using Skies = TrainingSkies;

  PlaneTraining(Skies& all, const Settings& settings, const network::NetworkShape& shape)
      : skies(&all),
        denoising(all.basis(), all.spectrum(), all.pixel_averaged(), settings.high_pass),
        examples(denoising, all, shape, settings) {}

  [[nodiscard]] SkyFacts facts() const {
    return {skies->description(), skies->pixel_arcmin(), 0, &skies->spectrum()};
  }
  [[nodiscard]] harmonic::EllRange ell_range() const {
    const harmonic::PlaneBasis& basis = skies->basis();
    return harmonic::PlaneBasis::ell_range({basis.nx(), basis.ny()}, std::sqrt(basis.pixel_area()));
  }
  [[nodiscard]] std::vector<double> figures(network::UNet& net, std::uint64_t sky, double sigma,
                                            const RandomStream& noise, const std::vector<double>& edges) {
    return network::level_figures(denoising, *net, skies->test(sky), sigma, noise, edges);
  }

  Skies* skies;
  network::Denoising denoising;
  Examples examples;
};

/// And one on spheres.
struct SphereTraining {
  using Skies = SphereSkies;

  SphereTraining(Skies& all, const Settings& settings, const network::NetworkShape& shape)
      : skies(&all),
        denoising(all.basis(), all.spectrum(), all.pixel_averaged(), settings.high_pass,
                  sphere_side(settings.cutout, all.basis(), shape), shape),
        examples(denoising, all, settings) {}

  [[nodiscard]] SkyFacts facts() const { return facts_of(*skies); }
  [[nodiscard]] harmonic::EllRange ell_range() const {
    return {2.0, static_cast<double>(skies->basis().lmax())};
  }
  [[nodiscard]] std::vector<double> figures(network::UNet& net, std::uint64_t sky, double sigma,
                                            const RandomStream& noise, const std::vector<double>& edges) {
    return network::level_figures(denoising, net.ptr(), examples.modes_of(io::Split::test, sky), sigma, noise,
                                  edges);
  }

  Skies* skies;
  network::SphereDenoising denoising;
  SphereExamples examples;
};

template <class Training>
void train(const mpi::Communicator& comm, const mpi::Communicator& alone, const config::Values& values,
           const Settings& settings, io::AtomicFile& file) {
  std::optional<typename Training::Skies> skies;
  mpi::collectively(comm, [&] { skies.emplace(alone, values, settings.seed); });
  network::UNet net = new_network(settings.unet, settings.seed, skies->description());

  StageClock clock;
  clock.begin("held-out skies");
  Training on(*skies, settings, net->shape());
  const auto held_out = on.examples.validation(comm);
  clock.begin("training");
  TrainingRun run(comm, values, file, net, on.denoising.loss(), settings.training);
  run.run([&](std::uint64_t number) { return on.examples.training(number); }, held_out, settings.validation,
          "RMSE over the Gaussian prior's");
  finish(
      comm, values, settings, on.facts(), on.ell_range(),
      [&](std::uint64_t sky, double sigma, const RandomStream& noise, const std::vector<double>& edges) {
        return on.figures(net, sky, sigma, noise, edges);
      },
      *net, run, clock);
}

void run_train_score(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  interruption::listen();
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  mpi::collectively(comm, [] { network::prepare_runtime(1); });
  const mpi::Communicator alone = comm.split(comm.rank());
  if (settings.sphere)
    train<SphereTraining>(comm, alone, values, settings, file);
  else
    train<PlaneTraining>(comm, alone, values, settings, file);
}

}  // namespace

Application train_score_application() {
  return {train_score_command(), run_train_score, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
