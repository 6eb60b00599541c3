// tessera train deepmass: from skies to a network.
#include <algorithm>
#include <cmath>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/sphere_skies.hpp"
#include "apps/survey_options.hpp"
#include "apps/train_options.hpp"
#include "apps/training_run.hpp"
#include "apps/training_skies.hpp"
#include "core/error.hpp"
#include "core/interruption.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "network/deepmass.hpp"
#include "network/deepmass_training.hpp"
#include "network/runtime.hpp"

namespace tessera::apps {
namespace {

struct Settings {
  simulate::SurveyPrior prior;
  bool sphere, distortion;
  network::UNetOptions unet;
  network::TrainingOptions training;
  double variance_share, tolerance;
  std::uint64_t validation, test, seed, cutout, tiles_per_sky;
  std::vector<double> test_densities;

  explicit Settings(const config::Values& values)
      : prior(survey_prior(values)),
        sphere(values.choice("grid", {"plane", "healpix"}) == "healpix"),
        distortion(sphere && values.choice("distortion", {"yes", "no"}) == "yes"),
        unet(unet_options(values, static_cast<std::int64_t>(network::deepmass_inputs) + (distortion ? 2 : 0),
                          2, false)),
        training(training_options(values)),
        variance_share(values.number("variance-share", 0.0, 100.0)),
        tolerance(values.number("tolerance", 1e-14, 0.1)),
        validation(values.count("validation-surveys", 1, 100000)),
        test(values.count("test-surveys", 2, 100000)),
        seed(values.count("seed", 0, UINT64_MAX)),
        cutout(values.count("cutout", 0, 1 << 20)),
        tiles_per_sky(values.count("tiles-per-sky", 1, 1 << 20)) {
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
  [[nodiscard]] const harmonic::PlaneBasis& basis() const { return skies_->basis(); }

  const network::Surveyor* surveyor_;
  TrainingSkies* skies_;
  network::NetworkShape shape_;
  std::int64_t side_;
  RandomStream choice_;
};

/// The same from spheres, tile by tile.
class SphereExamples {
 public:
  SphereExamples(const network::Surveyor& surveyor, SphereSkies& skies, const network::NetworkShape& shape,
                 const Settings& settings)
      : surveyor_(&surveyor),
        skies_(&skies),
        windows_(skies.basis(), sphere_side(settings.cutout, skies.basis(), shape),
                 static_cast<std::uint64_t>(shape.halo())),
        schedule_(settings.training.batch, settings.tiles_per_sky, windows_.count(), settings.seed),
        distortion_(settings.distortion) {}

  network::Example training(std::uint64_t number) {
    const auto sky = static_cast<std::uint32_t>(schedule_.sky(number));
    const network::DeepMassMapsOfSky& maps = cache_.get(sky, schedule_.first_needed(number), [&] {
      return maps_of(skies_->kappa(io::Split::train, sky), sky);
    });
    return network::deepmass_example(windows_, maps, schedule_.tile(number), distortion_);
  }

  /// This rank's share of the tiles of validation surveys; each rank makes surveys of its own, all of them if
  /// their number is no multiple of the ranks'.
  std::vector<network::Example> validation(const mpi::Communicator& comm, std::uint64_t count) {
    std::vector<network::Example> examples;
    mpi::collectively(comm, [&] {
      const std::uint64_t skies = std::max<std::uint64_t>(1, std::min<std::uint64_t>(2, count));
      SkyCache<network::DeepMassMapsOfSky> cache;
      for (auto i = static_cast<std::uint64_t>(comm.rank()); i < count;
           i += static_cast<std::uint64_t>(comm.size())) {
        const std::uint64_t sky = i % skies;
        const auto& maps = cache.get(sky, 0, [&] {
          return maps_of(skies_->kappa(io::Split::validation, sky),
                         TrainingSkies::first_validation + static_cast<std::uint32_t>(sky));
        });
        examples.push_back(network::deepmass_example(
            windows_, maps, (2 * i + 1) * windows_.count() / (2 * count), distortion_));
      }
    });
    return examples;
  }

 private:
  [[nodiscard]] network::DeepMassMapsOfSky maps_of(std::vector<double> kappa, std::uint32_t survey) const {
    return network::deepmass_training_maps(skies_->basis(), surveyor_->survey(std::move(kappa), survey));
  }

  const network::Surveyor* surveyor_;
  SphereSkies* skies_;
  network::SphereWindows windows_;
  SphereSchedule schedule_;
  bool distortion_;
  SkyCache<network::DeepMassMapsOfSky> cache_;
};

void report(const network::HeldOutScore& s) {
  log::info(
      "  n = {:5.1f}: RMSE {:.5f} = {:.3f} +- {:.3f} of Wiener, {:.3f} of KS; r {:.3f} (Wiener {:.3f}, "
      "difference "
      "+- {:.3f}); power {:.2f} (Wiener {:.2f}) of the truth's; within 1 and 2 std {:.3f}, {:.3f}; z {:.3f}",
      s.density, s.rmse, s.ratio, s.ratio_error, s.ks_ratio, s.r, s.r_wiener, s.r_gain_error, s.power,
      s.power_wiener, s.within_1, s.within_2, s.z_deviation);
}

/// The card with its scores, and the model file.
void finish(const mpi::Communicator& comm, const config::Values& values, const Settings& settings,
            const SkyFacts& facts, network::UNet& net, const network::Surveyor& surveyor,
            const exchange::Tiling& tiling, const std::function<std::vector<double>(std::uint64_t)>& test_sky,
            TrainingRun& training, StageClock& clock) {
  clock.begin("scores");
  network::ModelCard card = card_of("deepmass", values, facts, *net);
  card.noise_low = settings.prior.sigma_e.low / std::sqrt(settings.prior.density.high);
  card.noise_high = settings.prior.sigma_e.high / std::sqrt(settings.prior.density.low);
  log::info("scores on {} test surveys per depth:", settings.test);
  for (std::size_t i = 0; i < settings.test_densities.size(); ++i) {
    const auto first = TrainingSkies::first_test + static_cast<std::uint32_t>(i * settings.test);
    card.scores.push_back(network::score_deepmass(comm, net.ptr(), surveyor, tiling, test_sky, settings.test,
                                                  first, settings.test_densities[i],
                                                  [&] { training.heed_requests(); }));
    report(card.scores.back());
  }
  training.write(card, *facts.spectrum, clock);
}

/// What a training on planes is made of.
struct PlaneTraining {
  using Skies = TrainingSkies;

  PlaneTraining(Skies& all, const Settings& settings, const network::NetworkShape& network_shape)
      : skies(&all),
        shape(network_shape),
        surveyor(all.basis(), all.spectrum(), all.pixel_averaged(), settings.prior, settings.seed,
                 {settings.tolerance, 1000}),
        examples(surveyor, all, shape, settings) {}

  [[nodiscard]] SkyFacts facts() const {
    return {skies->description(), skies->pixel_arcmin(), 0, &skies->spectrum()};
  }
  /// One tile.
  [[nodiscard]] exchange::Tiling tiling() const {
    const PaddedBox box{skies->basis().nx(), skies->basis().ny()};
    return exchange::plane_tiling(box.nx, box.ny, box, network::tile_needs(shape, std::max(box.nx, box.ny)),
                                  0, 1);
  }
  [[nodiscard]] std::vector<double> test_sky(std::uint64_t number) { return skies->test(number); }

  Skies* skies;
  network::NetworkShape shape;
  network::Surveyor surveyor;
  Examples examples;
};

/// And one on spheres.
struct SphereTraining {
  using Skies = SphereSkies;

  SphereTraining(Skies& all, const Settings& settings, const network::NetworkShape& network_shape)
      : skies(&all),
        shape(network_shape),
        side(sphere_side(settings.cutout, all.basis(), shape)),
        surveyor(all.basis(), all.spectrum(), all.pixel_averaged(), settings.prior, settings.seed,
                 {settings.tolerance, 1000}),
        examples(surveyor, all, shape, settings) {}

  [[nodiscard]] SkyFacts facts() const { return facts_of(*skies); }
  [[nodiscard]] exchange::Tiling tiling() const { return whole_sphere(skies->basis(), side, shape); }
  [[nodiscard]] std::vector<double> test_sky(std::uint64_t number) {
    return skies->kappa(io::Split::test, number);
  }

  Skies* skies;
  network::NetworkShape shape;
  std::uint64_t side;
  network::Surveyor surveyor;
  SphereExamples examples;
};

template <class Training>
void train(const mpi::Communicator& comm, const mpi::Communicator& alone, const config::Values& values,
           const Settings& settings, io::AtomicFile& file) {
  std::optional<typename Training::Skies> skies;
  mpi::collectively(comm, [&] { skies.emplace(alone, values, settings.seed); });
  network::UNet net = new_network(settings.unet, settings.seed, skies->description());

  StageClock clock;
  clock.begin("held-out surveys");
  Training on(*skies, settings, net->shape());
  const auto held_out = on.examples.validation(comm, settings.validation);
  clock.begin("training");
  TrainingRun run(comm, values, file, net, network::deepmass_loss(settings.variance_share),
                  settings.training);
  run.run([&](std::uint64_t number) { return on.examples.training(number); }, held_out, settings.validation,
          "RMSE over Wiener's");
  finish(
      comm, values, settings, on.facts(), net, on.surveyor, on.tiling(),
      [&](std::uint64_t sky) { return on.test_sky(sky); }, run, clock);
}

void run_train_deepmass(const mpi::Communicator& comm, const config::Values& values) {
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

Application train_deepmass_application() {
  return {train_deepmass_command(), run_train_deepmass, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
