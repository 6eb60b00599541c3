// tessera train deepmass: from skies to a network.
#include <algorithm>
#include <cmath>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/survey_options.hpp"
#include "apps/train_options.hpp"
#include "apps/training_run.hpp"
#include "apps/training_skies.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "network/deepmass.hpp"
#include "network/deepmass_training.hpp"
#include "network/runtime.hpp"

namespace tessera::apps {
namespace {

struct Settings {
  simulate::SurveyPrior prior;
  network::UNetOptions unet;
  network::TrainingOptions training;
  double variance_share, tolerance;
  std::uint64_t validation, test, seed, cutout;
  std::vector<double> test_densities;

  explicit Settings(const config::Values& values)
      : prior(survey_prior(values)),
        unet(unet_options(values, static_cast<std::int64_t>(network::deepmass_inputs), 2, false)),
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
    require_skies(basis(), shape);
  }

  network::Example training(std::uint64_t number) {
    if (number >= TrainingSkies::first_validation)
      fail("a training can have at most {} surveys; lower --steps", TrainingSkies::first_validation);
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
            surveyor_->survey(skies_->validation(i),
                              TrainingSkies::first_validation + static_cast<std::uint32_t>(i)),
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

void run_train_deepmass(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  network::prepare_runtime(1);
  const mpi::Communicator alone = comm.split(comm.rank());
  std::optional<TrainingSkies> skies;
  mpi::collectively(comm, [&] { skies.emplace(alone, values, settings.seed); });
  const network::Surveyor surveyor(skies->basis(), skies->spectrum(), skies->pixel_averaged(), settings.prior,
                                   settings.seed, {settings.tolerance, 1000});
  network::UNet net = new_network(settings.unet, settings.seed, skies->description());

  StageClock clock;
  clock.begin("held-out surveys");
  Examples examples(surveyor, *skies, net->shape(), settings);
  const auto held_out = examples.validation(comm, settings.validation);
  clock.begin("training");
  TrainingRun training(comm, values, file, net, network::deepmass_loss(settings.variance_share),
                       settings.training);
  training.run([&](std::uint64_t number) { return examples.training(number); }, held_out, settings.validation,
               "RMSE over Wiener's");

  clock.begin("scores");
  network::ModelCard card = card_of("deepmass", values, *skies, *net);
  card.noise_low = settings.prior.sigma_e.low / std::sqrt(settings.prior.density.high);
  card.noise_high = settings.prior.sigma_e.high / std::sqrt(settings.prior.density.low);
  log::info("scores on {} test surveys per depth:", settings.test);
  for (std::size_t i = 0; i < settings.test_densities.size(); ++i) {
    const auto first = TrainingSkies::first_test + static_cast<std::uint32_t>(i * settings.test);
    card.scores.push_back(network::score_deepmass(
        comm, net.ptr(), surveyor, [&](std::uint64_t sky) { return skies->test(sky); }, settings.test, first,
        settings.test_densities[i]));
    report(card.scores.back());
  }
  training.write(card, skies->spectrum(), clock);
}

}  // namespace

Application train_deepmass_application() {
  return {train_deepmass_command(), run_train_deepmass, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
