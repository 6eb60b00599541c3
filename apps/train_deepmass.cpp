// tessera train deepmass: from skies to a network.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/provenance.hpp"
#include "apps/sky_options.hpp"
#include "apps/train_options.hpp"
#include "apps/training_skies.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/version.hpp"
#include "mpi/agreement.hpp"
#include "network/checkpoint.hpp"
#include "network/deepmass.hpp"
#include "network/deepmass_training.hpp"
#include "network/model_file.hpp"
#include "network/runtime.hpp"

namespace tessera::apps {
namespace {

simulate::Footprint footprint(const std::string& word) {
  using simulate::Footprint;
  for (const Footprint known : {Footprint::full, Footprint::starry, Footprint::cosmos})
    if (word == simulate::name_of(known)) return known;
  fail("--masks has the entry '{}' and knows: full, starry, cosmos", word);
}

simulate::SurveyPrior survey_prior(const config::Values& values) {
  const auto range = [&](const char* name, double min, double max) {
    const auto [low, high] = values.range(name, min, max);
    return simulate::Range{low, high};
  };
  simulate::SurveyPrior prior{{}, range("density", 1e-2, 1e4), range("sigma-e", 1e-3, 10.0)};
  for (const std::string& word : values.words("masks")) prior.footprints.push_back(footprint(word));
  prior.unevenness = values.number("unevenness", 0.0, 2.0);
  prior.even_share = values.number("even-share", 0.0, 1.0);
  return prior;
}

network::UNetOptions unet_options(const config::Values& values) {
  network::UNetOptions options;
  options.inputs = static_cast<std::int64_t>(network::deepmass_inputs);
  options.outputs = 2;
  options.channels.clear();
  for (const double channels : values.numbers("channels")) {
    if (!(channels >= 1.0 && channels <= 4096.0 && channels == std::floor(channels)))
      fail("--channels has the entry {}; whole numbers from 1 to 4096 are expected", channels);
    options.channels.push_back(static_cast<std::int64_t>(channels));
  }
  options.blocks = static_cast<std::int64_t>(values.count("blocks", 1, 64));
  return options;
}

network::TrainingOptions training_options(const config::Values& values) {
  network::TrainingOptions options;
  options.steps = values.count("steps", 1, 100000000);
  options.batch = values.count("batch", 1, 4096);
  options.learning_rate = values.number("learning-rate", 1e-8, 1.0);
  options.warmup = values.count("warmup", 0, 100000000);
  options.average = values.number("average", 0.0, 0.999999);
  options.validate = values.count("validate", 1, 100000000);
  options.patience = values.count("patience", 1, 1000000);
  return options;
}

struct Settings {
  simulate::SurveyPrior prior;
  network::UNetOptions unet;
  network::TrainingOptions training;
  double variance_share, tolerance;
  std::uint64_t validation, test, seed, cutout;
  std::vector<double> test_densities;

  explicit Settings(const config::Values& values)
      : prior(survey_prior(values)),
        unet(unet_options(values)),
        training(training_options(values)),
        variance_share(values.number("variance-share", 0.0, 100.0)),
        tolerance(values.number("tolerance", 1e-14, 0.1)),
        validation(values.count("validation-surveys", 1, 100000)),
        test(values.count("test-surveys", 2, 100000)),
        seed(values.count("seed", 0, UINT64_MAX)),
        cutout(values.count("cutout", 0, 1 << 20)) {
    require_spectrum(values);
    values.require("out");
    constexpr int depths = 5;
    for (int i = 0; i < depths; ++i)
      test_densities.push_back(prior.density.low *
                               std::pow(prior.density.high / prior.density.low, i / (depths - 1.0)));
    if (!prior.density.varies()) test_densities.resize(1);
    if (values.has("test-densities")) test_densities = values.numbers("test-densities");
    for (const double density : test_densities)
      if (!(density > 0.0)) fail("--test-densities has the entry {}; depths must be positive", density);
  }
};

// Which surveys are for what: their numbers never meet.
constexpr std::uint32_t first_validation = 1U << 23, first_test = 3U << 22;

/// The examples of a training: which sky, which survey, which part of it.
class Examples {
 public:
  Examples(const network::Surveyor& surveyor, TrainingSkies& skies, const network::NetworkShape& shape,
           const Settings& settings)
      : surveyor_(&surveyor),
        skies_(&skies),
        shape_(shape),
        side_(static_cast<std::int64_t>(settings.cutout)),
        choice_(settings.seed, Purpose::training_example) {
    const auto least = static_cast<std::int64_t>(std::min(basis().nx(), basis().ny()));
    if (side_ % shape.alignment != 0 || side_ > least)
      fail(
          "--cutout {} must be a multiple of {}, by which the network halves its maps, and at most {}, the "
          "skies' side",
          side_, shape.alignment, least);
    if (basis().nx() % static_cast<std::uint64_t>(shape.alignment) != 0 ||
        basis().ny() % static_cast<std::uint64_t>(shape.alignment) != 0)
      fail(
          "the skies have {} x {} pixels, which the network cannot halve to multiples of {}; choose other "
          "skies or fewer "
          "--channels",
          basis().nx(), basis().ny(), shape.alignment);
    if (shape.receptive_radius + shape.alignment > least)
      fail(
          "the network reaches {} pixels, farther than the skies' {}; choose larger skies or fewer "
          "--channels",
          shape.receptive_radius, least);
  }

  network::Example training(std::uint64_t number) {
    if (number >= first_validation)
      fail("a training can have at most {} surveys; lower --steps", first_validation);
    const auto [which, symmetry] = choice_.uniforms(number);
    const auto [x, y] = choice_.uniforms(number, 2);
    const network::Cutout cutout{static_cast<std::int64_t>(x * static_cast<double>(basis().nx())),
                                 static_cast<std::int64_t>(y * static_cast<double>(basis().ny())), side_,
                                 static_cast<int>(8.0 * symmetry)};
    return network::deepmass_example(
        basis(), surveyor_->survey(skies_->training(number, which), static_cast<std::uint32_t>(number)),
        shape_, cutout);
  }

  /// This rank's share of the validation surveys, whole boxes.
  std::vector<network::Example> validation(const mpi::Communicator& comm, std::uint64_t count) {
    std::vector<network::Example> examples;
    mpi::collectively(comm, [&] {
      for (auto i = static_cast<std::uint64_t>(comm.rank()); i < count;
           i += static_cast<std::uint64_t>(comm.size()))
        examples.push_back(network::deepmass_example(
            basis(),
            surveyor_->survey(skies_->validation(i), first_validation + static_cast<std::uint32_t>(i)),
            shape_, {}));
    });
    return examples;
  }

 private:
  [[nodiscard]] const harmonic::PlaneBasis& basis() const { return surveyor_->basis(); }

  const network::Surveyor* surveyor_;
  TrainingSkies* skies_;
  network::NetworkShape shape_;
  std::int64_t side_;
  RandomStream choice_;
};

void report(const network::HeldOutScore& s) {
  log::info(
      "  n = {:5.1f}: RMSE {:.5f} = {:.3f} +- {:.3f} of Wiener, {:.3f} of KS; r {:.3f} (Wiener {:.3f}, "
      "difference "
      "+- {:.3f}); power {:.2f} (Wiener {:.2f}) of the truth's; within 1 and 2 std {:.3f}, {:.3f}; z {:.3f}",
      s.density, s.rmse, s.ratio, s.ratio_error, s.ks_ratio, s.r, s.r_wiener, s.r_gain_error, s.power,
      s.power_wiener, s.within_1, s.within_2, s.z_deviation);
}

network::ModelCard make_card(const config::Values& values, const Settings& settings,
                             const TrainingSkies& skies, const network::UNetImpl& net,
                             const theory::PowerSpectrum& spectrum) {
  network::ModelCard card;
  card.kind = "deepmass";
  card.version = version();
  card.skies = skies.description();
  card.command = "tessera train deepmass; " + values.resolved();
  card.pixel_arcmin = skies.pixel_arcmin();
  card.noise_low = settings.prior.sigma_e.low / std::sqrt(settings.prior.density.high);
  card.noise_high = settings.prior.sigma_e.high / std::sqrt(settings.prior.density.low);
  const network::NetworkShape shape = net.shape();
  card.inputs = shape.inputs;
  card.outputs = shape.outputs;
  card.alignment = shape.alignment;
  card.receptive_radius = shape.receptive_radius;
  for (double ell = 100.0; ell <= 20000.0; ell *= 1.3) {
    if (ell < spectrum.ell().front() || ell > spectrum.ell().back()) continue;
    card.ell.push_back(ell);
    card.c_ell.push_back(spectrum(ell));
  }
  return card;
}

/// What a training that goes on must share with the one that was stopped.
std::string identity(const config::Values& values) {
  config::Values same = values;
  for (const char* const name :
       {"resume", "overwrite", "out", "test-surveys", "test-densities", "quiet", "verbose"})
    same.erase(name);
  return same.resolved();
}

void save_checkpoint(const mpi::Communicator& comm, const std::string& path,
                     const network::TrainingState& state, const std::string& configuration) {
  io::AtomicFile file(comm, path, true);
  io::MapWriter writer(comm, file, 5.0 * static_cast<double>(state.weights.size()), 8);
  network::write_checkpoint(writer, state, configuration);
  writer.commit();
}

void run_train_deepmass(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  network::prepare_runtime(1);
  const mpi::Communicator alone = comm.split(comm.rank());
  std::optional<TrainingSkies> skies;
  mpi::collectively(comm, [&] { skies.emplace(alone, values, settings.seed); });
  const network::Surveyor surveyor(skies->basis(), skies->spectrum(), skies->pixel_averaged(), settings.prior,
                                   settings.seed, {settings.tolerance, 1000});
  torch::manual_seed(settings.seed);
  network::UNet net(settings.unet);
  const std::size_t weights = network::flat_parameters(*net).size();
  log::info("network: {} weights, {:.0f} kFLOP a pixel, receptive radius {} pixels; skies: {}", weights,
            1e-3 * net->flops_per_pixel(), net->receptive_radius(), skies->description());

  StageClock clock;
  clock.begin("held-out surveys");
  Examples examples(surveyor, *skies, net->shape(), settings);
  const auto held_out = examples.validation(comm, settings.validation);
  clock.begin("training");
  network::Trainer trainer(comm, net, network::deepmass_loss(settings.variance_share), settings.training);
  const std::string checkpoint = file.path() + ".checkpoint", configuration = identity(values);
  if (values.flag("resume") && std::filesystem::exists(checkpoint)) {
    mpi::collectively(comm,
                      [&] { trainer.resume(network::read_checkpoint(checkpoint, configuration, weights)); });
    log::info("going on from step {} of {}", trainer.state().step, checkpoint);
  }
  trainer.run([&](std::uint64_t number) { return examples.training(number); }, held_out, settings.validation,
              [&] {
                const network::HistoryRow& row = trainer.state().history.back();
                log::info("step {:6.0f}: loss {:.4f}, held-out {:.4f}, RMSE over Wiener's {:.4f}", row.step,
                          row.training, row.validation, std::sqrt(row.validation_mean_square));
                save_checkpoint(comm, checkpoint, trainer.state(), configuration);
              });

  clock.begin("scores");
  network::ModelCard card = make_card(values, settings, *skies, *net, skies->spectrum());
  log::info("scores on {} test surveys per depth:", settings.test);
  for (std::size_t i = 0; i < settings.test_densities.size(); ++i) {
    const auto first = first_test + static_cast<std::uint32_t>(i * settings.test);
    card.scores.push_back(network::score_deepmass(
        comm, *net, surveyor, [&](std::uint64_t sky) { return skies->test(sky); }, settings.test, first,
        settings.test_densities[i]));
    report(card.scores.back());
  }
  clock.begin("write");
  io::MapWriter writer(comm, file, static_cast<double>(weights), 6);
  network::write_model(writer, card, *net);
  writer.create_group("/training");
  network::write_history(writer, trainer.state().history);
  write_provenance(writer, comm, "train deepmass", values, &skies->spectrum());
  clock.end();
  write_times(writer, clock);
  writer.commit();
  log::info("wrote {}", file.path());
}

}  // namespace

Application train_deepmass_application() {
  return {train_deepmass_command(), run_train_deepmass, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
