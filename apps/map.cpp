// tessera map: from a shear catalogue to convergence maps.
#include <algorithm>
#include <cmath>

#include "apps/catalogue_options.hpp"
#include "apps/command.hpp"
#include "apps/map_settings.hpp"
#include "apps/model_gate.hpp"
#include "apps/provenance.hpp"
#include "catalogue/binning.hpp"
#include "core/error.hpp"
#include "inference/kaiser_squires.hpp"
#include "inference/posterior_variance.hpp"
#include "inference/wiener_map.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

void report_rows(const catalogue::ShearMaps& data) {
  const catalogue::RowCounts& rows = data.counts;
  log::info("catalogue: {} rows, {} galaxies used", rows.total, rows.used());
  const auto left_out = [](std::uint64_t count, const char* reason) {
    if (count > 0) log::info("  left out: {} {}", count, reason);
  };
  left_out(rows.not_finite, "not finite or null");
  left_out(rows.bad_position, "with |ra| > 360 or |dec| > 90 degrees");
  left_out(rows.zero_weight, "of zero weight");
  left_out(rows.negative_weight, "of negative weight");
  left_out(rows.off_grid, "off the grid");
  log::info("sigma_e = {:.4f} per component ({})", data.sigma_e,
            data.sigma_e_measured ? "measured" : "given");
}

/// Doubles that each box pixel needs on its rank: sums and maps of the binning, Fourier buffers and mode
/// tables (a mode pair a pixel), vectors of the solver. Measured: 31.4 at
/// the peak of a box of 2048 x 2048.
constexpr double doubles_per_pixel = 33.0;

/// Doubles more for samples: state, momentum, gradients and noise of two fields, tables of the descent.
/// Counted.
constexpr double sampler_doubles_per_pixel = 60.0;

/// Doubles more for a network: its inputs, outputs and their exchange. Counted.
constexpr double network_doubles_per_pixel = 16.0;

/// Maps that a network adds to the Wiener map.
std::size_t network_maps(const DeepMassModel* model) {
  if (model == nullptr) return 0;
  return model->has_deviation() ? 2 : 1;
}

/// How --wiener tile cuts the field, pixels. model: null for the Wiener map alone.
struct Tiling {
  std::uint64_t unit, margin;
  std::uint64_t blend;           // neighbours are blended over the inner halves of their margins
  std::uint64_t network_margin;  // of the margin, what the network does not see
  PlaneTiles tiles;

  Tiling(const MapSettings& settings, const PlaneGrid& field, PaddedBox box, const DeepMassModel* model)
      : unit(model != nullptr ? model->alignment() : 1),
        margin(rounded_up(settings.margin, unit)),
        blend(std::min(margin, rounded_up(settings.tile, unit))),
        network_margin((margin - blend / 2) / unit * unit),
        tiles(field.nx(), field.ny(), box, settings.tile, margin + (model != nullptr ? model->halo() : 0),
              unit) {}
};

/// Refuses windows that the ranks cannot hold or that reach scales which the spectrum does not cover: with a
/// wide margin a window is larger than the box. Collective.
void require_windows(const mpi::Communicator& comm, const Tiling& tiling, double pixel_radians,
                     const DeepMassModel* model, const theory::PowerSpectrum& spectrum) {
  const PlaneTiles& tiles = tiling.tiles;
  const TileWindow largest = tiles.window(0);  // others are cut by the far borders of the field
  const double window = static_cast<double>(largest.width) * static_cast<double>(largest.height);
  const double windows = std::ceil(static_cast<double>(tiles.count()) / comm.size());  // of a rank, at most
  // The filter of one window. Measured: 20 at the peak of a window of 2160 x 2064.
  constexpr double filter = 22.0;
  // A window's maps in and out, each with what is sent and received for it.
  constexpr double inputs = 3.0;
  const double exchanged = 3.0 * (inputs + 1.0 + static_cast<double>(network_maps(model)));
  mpi::require_memory(comm, sizeof(double) * window * (filter + windows * exchanged),
                      fmt::format("--wiener tile with windows of {} x {} pixels (--tile, --wiener-margin)",
                                  largest.width, largest.height));
  const double lowest = harmonic::PlaneBasis::ell_range({largest.width, largest.height}, pixel_radians).min;
  if (lowest < spectrum.ell().front())
    fail(
        "the windows of --wiener tile, {} x {} pixels, hold ell down to {:.4g} and the spectrum begins at "
        "{:.4g}; give a smaller --wiener-margin or a wider table",
        largest.width, largest.height, lowest, spectrum.ell().front());
}

constexpr const char* samples_name = "/maps/kappa_wiener_samples";

/// What the run works on, in the order in which it is made.
struct Survey {
  std::optional<PlaneField> plane;  // nothing on the sphere
  std::unique_ptr<survey::SurveySky> sky;
  catalogue::ShearMaps data;
};

class Products {
 public:
  Products(const MapSettings& settings, const Survey& survey, io::MapWriter& writer, StageClock& clock)
      : settings_(&settings),
        survey_(&survey),
        writer_(&writer),
        clock_(&clock),
        basis_(survey.sky->basis()) {}

  void write_data() {
    clock_->begin("write");
    const catalogue::ShearMaps& data = survey_->data;
    std::vector<double> mask(data.count.size());
    std::transform(data.count.begin(), data.count.end(), mask.begin(),
                   [](double n) { return n > 0.0 ? 1.0 : 0.0; });
    write("/data/gamma1", data.gamma1,
          {"1", "weighted mean ellipticity 1 over mean response; 0 without galaxies"});
    write("/data/gamma2", data.gamma2,
          {"1", "weighted mean ellipticity 2 over mean response; 0 without galaxies"});
    write("/data/noise_sigma", data.noise_sigma,
          {"1", "standard deviation of the noise of gamma1 and of gamma2; 0 without galaxies"});
    write("/data/count", data.count, {"1", "number of galaxies"});
    write("/data/weight", data.weight, {"1", "sum of the galaxies' weights"});
    write("/data/mask", mask, {"1", "1 where there are galaxies, 0 elsewhere"});
    if (!survey_->plane) write_pipeline_names();
    writer_->attribute("/data", "sigma_e", data.sigma_e);
    writer_->attribute("/data", "sigma_e_measured", static_cast<std::int64_t>(data.sigma_e_measured));
    writer_->create_group("/diagnostics/catalogue");
    const auto count = [&](const char* name, std::uint64_t value) {
      writer_->attribute("/diagnostics/catalogue", name, static_cast<std::int64_t>(value));
    };
    count("rows", data.counts.total);
    count("used", data.counts.used());
    count("not_finite", data.counts.not_finite);
    count("bad_position", data.counts.bad_position);
    count("zero_weight", data.counts.zero_weight);
    count("negative_weight", data.counts.negative_weight);
    count("off_grid", data.counts.off_grid);
  }

  void write_kaiser_squires() {
    clock_->begin("kaiser-squires");
    std::vector<double> e_map(basis_.pixel_count()), b_map(basis_.pixel_count());
    inference::kaiser_squires(basis_, survey_->data.gamma1, survey_->data.gamma2, settings_->smoothing, e_map,
                              b_map);
    clock_->begin("write kaiser-squires");
    write("/maps/kappa_ks_e", e_map, {"1", "convergence by Kaiser-Squires inversion, E mode"});
    write("/maps/kappa_ks_b", b_map,
          {"1", "convergence by Kaiser-Squires inversion, B mode: noise and systematics"});
    writer_->create_group("/diagnostics/kaiser_squires");
    writer_->attribute("/diagnostics/kaiser_squires", "smoothing_arcmin",
                       settings_->smoothing / radians_per_arcmin);
    write_box("/diagnostics/kaiser_squires");
  }

  /// Everything under priors beyond the Gaussian one.
  void write_beyond_gaussian(const theory::PowerSpectrum& spectrum, const ScoreModel* model) {
    clock_->begin("prepare posterior");
    const PosteriorProblem problem(
        {survey_->sky.get(), &survey_->data.gamma1, &survey_->data.gamma2, &survey_->data.noise_sigma,
         &spectrum, model, settings_->sampler->prior_reach},
        settings_->pixel_window, settings_->tile);
    write_point_estimates(problem, settings_->points, settings_->sampler->sigma_share, *writer_, *clock_);
    if (settings_->posterior)
      write_posterior(problem, *settings_->posterior, *settings_->sampler, *writer_, *clock_);
  }

  /// Noise of the data in the terms of a model's card. Collective.
  [[nodiscard]] double noise_level(const DeepMassModel& model) {
    noise_level_ = model.noise_level(basis_, survey_->data.noise_sigma);
    return noise_level_;
  }

  void write_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    if (settings_->tile_wiener)
      write_tile_wiener(spectrum, model);
    else
      write_joint_wiener(spectrum, model);
  }

 private:
  /// What TXPipe's file of source maps calls them; bin 0 is all galaxies.
  void write_pipeline_names() {
    std::vector<double> variance = survey_->data.noise_sigma;
    for (double& value : variance) value *= value;
    write("/maps/var_g1_0", variance, {"1", "variance of the noise of g1_0 and of g2_0; 0 without galaxies"});
    writer_->link("/maps/var_g2_0", "/maps/var_g1_0");
    writer_->link("/maps/g1_0", "/data/gamma1");
    writer_->link("/maps/g2_0", "/data/gamma2");
    writer_->link("/maps/lensing_weight_0", "/data/weight");
  }

  void write_joint_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    clock_->begin("wiener");
    const inference::ShearOperator shear(basis_);
    const inference::SignalCovariance signal(basis_, {spectrum}, settings_->pixel_window);
    const std::vector<double> information = inference::shear_information(survey_->data.noise_sigma);
    const inference::GaussianPosterior posterior(basis_, shear, signal, information);
    const std::vector<double> kappa = write_mean(posterior);
    if (model != nullptr) {
      clock_->begin("deepmass");
      write_deepmass(*model,
                     model->evaluate(*survey_->sky, settings_->tile, kappa, survey_->data.noise_sigma));
    }
    if (settings_->samples > 0) write_samples(posterior, kappa);
  }

  /// Filter and network tile by tile.
  void write_tile_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    clock_->begin(model != nullptr ? "wiener and deepmass" : "wiener");
    const PlaneField& plane = *survey_->plane;
    const Tiling tiling(*settings_, plane.grid, plane.box, model);
    const PlaneTiles& tiles = tiling.tiles;
    inference::TileWiener wiener(basis_.comm(), tiles, tiling.blend, plane.grid.pixel_radians(), spectrum,
                                 settings_->pixel_window);
    const std::size_t more = network_maps(model);
    log::Progress progress("tiles", 1);
    auto result = wiener.filter(
        survey_->data.gamma1, survey_->data.gamma2, survey_->data.noise_sigma, settings_->mean, more,
        [&](const inference::FilteredTile& tile) {
          DeepMassModel::Maps maps = model->evaluate_window(tile, tiling.network_margin);
          std::vector<std::vector<double>> all{std::move(maps.mean)};
          if (more > 1) all.push_back(std::move(maps.deviation));
          return all;
        },
        [&](double part) { progress.set(part); });
    write_tile_report(tiles, tiling.margin, result);
    if (model != nullptr)
      write_deepmass(
          *model, {std::move(result.maps[1]), more > 1 ? std::move(result.maps[2]) : std::vector<double>{}});
  }

  void write_tile_report(const PlaneTiles& tiles, std::uint64_t margin,
                         const inference::TileWiener::Result& result) {
    clock_->begin("write wiener");
    write("/maps/kappa_wiener", result.maps[0],
          {"1", "convergence, mean of the posterior under the Gaussian prior, tile by tile"});
    const std::string group = "/diagnostics/wiener";
    writer_->create_group(group);
    writer_->attribute(group, "pixel_window", static_cast<std::int64_t>(settings_->pixel_window));
    writer_->attribute(group, "tolerance", settings_->mean.tolerance);
    writer_->attribute(group, "tiles", static_cast<std::int64_t>(tiles.count()));
    writer_->attribute(group, "tile", static_cast<std::int64_t>(tiles.shape().height));
    writer_->attribute(group, "margin", static_cast<std::int64_t>(margin));
    writer_->attribute(group, "iterations", static_cast<std::int64_t>(result.iterations));
    writer_->attribute(group, "converged", static_cast<std::int64_t>(result.converged));
    log::info("Wiener filter in {} tiles with a margin of {} pixels: at most {} iterations", tiles.count(),
              margin, result.iterations);
    if (!result.converged)
      log::warn("the Wiener filter of some tiles did not reach the tolerance {:.1e}; raise --max-iterations",
                settings_->mean.tolerance);
  }

  std::vector<double> write_mean(const inference::GaussianPosterior& posterior) {
    inference::WienerMap map;
    {
      log::Progress progress("Wiener filter", 1);
      const double decades = -std::log(settings_->mean.tolerance);
      map = inference::wiener_map(basis_, posterior, survey_->data.gamma1, survey_->data.gamma2,
                                  settings_->mean, [&](double residual) {
                                    progress.set(-std::log(residual) / decades,
                                                 fmt::format("residual {:.1e}", residual));
                                  });
    }
    clock_->begin("write wiener");
    write("/maps/kappa_wiener", map.kappa,
          {"1", "convergence, mean of the posterior under the Gaussian prior"});
    write_report(map.report);
    return std::move(map.kappa);
  }

  void write_report(const inference::CgReport& report) {
    const std::string group = "/diagnostics/wiener";
    writer_->create_group(group);
    write_box(group);
    writer_->attribute(group, "pixel_window", static_cast<std::int64_t>(settings_->pixel_window));
    writer_->attribute(group, "tolerance", settings_->mean.tolerance);
    writer_->attribute(group, "criterion",
                       std::string("|b - A x| <= tolerance |b| on whitened coefficients"));
    writer_->attribute(group, "iterations", static_cast<std::int64_t>(report.iterations()));
    writer_->attribute(group, "converged", static_cast<std::int64_t>(report.converged));
    writer_->attribute(group, "samples", static_cast<std::int64_t>(settings_->samples));
    writer_->attribute(group, "sample_tolerance", settings_->draw.tolerance);
    writer_->write_table(group + "/residual_history", report.residual_history, 0,
                         {"1", "|b - A x| / |b| at the start and after every iteration"});
    log::info("Wiener filter: {} iterations, residual {:.1e}", report.iterations(),
              report.residual_history.back());
    if (!report.converged)
      log::warn(
          "the Wiener filter did not reach the tolerance {:.1e} in {} iterations; raise --max-iterations",
          settings_->mean.tolerance, report.iterations());
  }

  void write_deepmass(const DeepMassModel& model, const DeepMassModel::Maps& maps) {
    clock_->begin("write deepmass");
    write("/maps/kappa_deepmass", maps.mean,
          {"1", "convergence, mean of the posterior by the network DeepMass"});
    if (!maps.deviation.empty())
      write("/maps/kappa_deepmass_std", maps.deviation,
            {"1", "standard deviation of the convergence's posterior by the network DeepMass"});
    const std::string group = "/diagnostics/deepmass";
    writer_->create_group(group);
    writer_->attribute(group, "model", model.path());
    writer_->attribute(group, "checksum", model.checksum());
    writer_->attribute(group, "card", model.card());
    writer_->attribute(group, "tile",
                       static_cast<std::int64_t>(rounded_up(settings_->tile, model.alignment())));
    writer_->attribute(group, "halo", static_cast<std::int64_t>(model.halo()));
    writer_->attribute(group, "noise_level", noise_level_);
    log::info("DeepMass: model {}, checksum {}", model.path(), model.checksum());
  }

  void write_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean) {
    if (settings_->save_samples)
      writer_->create_stack(samples_name, settings_->samples, survey_->sky->shape(),
                            {"1", "convergence, exact draws from the posterior under the Gaussian prior"});
    clock_->begin("wiener samples");
    inference::PosteriorVariance estimate(basis_, posterior.prior_variance(0));
    const bool converged = draw_samples(posterior, mean, estimate);
    if (!converged)
      log::warn("some posterior draws did not reach the tolerance {:.1e}; raise --max-iterations",
                settings_->draw.tolerance);
    clock_->begin("write samples");
    std::vector<double> deviation = estimate.variance();
    for (double& value : deviation) value = std::sqrt(value);
    const char* const name = "/maps/kappa_wiener_std";
    write(name, deviation,
          {"1", "standard deviation of the convergence under the Gaussian posterior, from exact draws"});
    writer_->attribute(name, "samples", static_cast<std::int64_t>(settings_->samples));
    const double error = relative_error(estimate, deviation);
    writer_->attribute(name, "relative_error", error);
    log::info("posterior standard deviation from {} draws: {:.1f}% Monte-Carlo error per pixel",
              settings_->samples, 100.0 * error);
  }

  /// Makes the draws, gathers their variance and writes them if wanted; false if one did not converge.
  bool draw_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean,
                    inference::PosteriorVariance& estimate) {
    std::vector<double> kappa(basis_.pixel_count()), prior(basis_.pixel_count());
    std::vector<inference::Complex> x(basis_.mode_count()), white(basis_.mode_count());
    bool converged = true;
    log::Progress progress("posterior draws", settings_->samples);
    for (std::uint32_t sample = 0; sample < settings_->samples; ++sample) {
      std::fill(x.begin(), x.end(), inference::Complex{});
      converged &= posterior.fluctuation(settings_->seed, sample, x, white, settings_->draw).converged;
      posterior.synthesis(x, kappa);
      posterior.synthesis(white, prior);
      estimate.add(kappa, prior);
      if (settings_->save_samples) {
        std::transform(kappa.begin(), kappa.end(), mean.begin(), kappa.begin(), std::plus<>());
        writer_->write_slice(samples_name, sample, survey_->sky->shape(), survey_->sky->stored(kappa));
      }
      progress.step();
    }
    return converged;
  }

  /// Monte-Carlo error of the standard deviation over its value, in the mean over the mask.
  [[nodiscard]] double relative_error(const inference::PosteriorVariance& estimate,
                                      const std::vector<double>& deviation) const {
    std::vector<double> error(deviation.size()), mask(deviation.size());
    for (std::size_t p = 0; p < error.size(); ++p) {
      mask[p] = survey_->data.count[p] > 0.0 ? 1.0 : 0.0;
      error[p] = 1.0 / std::sqrt(2.0 * estimate.effective_draws(deviation[p] * deviation[p]));
    }
    return basis_.dot(harmonic::ConstPixels(error), harmonic::ConstPixels(mask)) /
           basis_.dot(harmonic::ConstPixels(mask), harmonic::ConstPixels(mask));
  }

  void write_box(const std::string& group) {
    const auto write = [&](const char* name, std::uint64_t value) {
      writer_->attribute(group, name, static_cast<std::int64_t>(value));
    };
    if (survey_->plane) {
      write("box_nx", survey_->plane->box.nx);
      write("box_ny", survey_->plane->box.ny);
    } else {
      write("lmax", survey_->sky->lmax());
    }
  }

  void write(const std::string& name, const std::vector<double>& map, const io::Description& what) {
    writer_->write_map(name, survey_->sky->shape(), survey_->sky->stored(map), what);
  }

  const MapSettings* settings_;
  const Survey* survey_;
  io::MapWriter* writer_;
  StageClock* clock_;
  const harmonic::HarmonicBasis& basis_;
  double noise_level_ = 0.0;  // once it is asked for
};

/// Maps that the run will write, for the disk space they need.
std::uint64_t map_count(const MapSettings& settings) {
  return 10 + (settings.deepmass ? 2 : 0) + (settings.save_samples ? settings.samples : 0) +
         settings.points.maps() + (settings.posterior ? posterior_map_count(*settings.posterior) : 0);
}

/// The sky that the galaxies are binned on. Error if the ranks cannot hold it. Collective.
Survey choose_sky(const mpi::Communicator& comm, const MapSettings& settings,
                  const catalogue::ShearCatalogue& galaxies) {
  Survey survey;
  const double sampler = settings.sampler ? sampler_doubles_per_pixel : 0.0;
  const double network = settings.deepmass || settings.sampler ? network_doubles_per_pixel : 0.0;
  if (settings.field.on_sphere()) {
    // Maps as on the plane; a mode takes two doubles, and there are fewer of them than pixels.
    constexpr double maps = 22.0, vectors = 12.0;
    require_sphere_memory(comm, settings.field.nside, settings.field.lmax, maps + network + 0.3 * sampler,
                          vectors + 0.5 * sampler);
    survey.sky = survey::sphere_sky(comm, settings.field.nside, settings.field.lmax, settings.tile);
    return survey;
  }
  const PlaneGrid field = choose_field(comm, settings.field, galaxies);
  survey.plane = {field, padded_box(field, settings.field.padding)};
  require_box_memory(comm, survey.plane->box, doubles_per_pixel + network + sampler);
  survey.sky = survey::plane_sky(comm, field, survey.plane->box);
  return survey;
}

/// What a spectrum must cover.
harmonic::EllRange ell_range(const Survey& survey) {
  if (survey.plane)
    return harmonic::PlaneBasis::ell_range(survey.plane->box, survey.plane->grid.pixel_radians());
  return {2.0, static_cast<double>(survey.sky->lmax())};
}

void run_map(const mpi::Communicator& comm, const config::Values& values) {
  const MapSettings settings(values);
  StageClock clock;
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));

  clock.begin("read catalogue");
  const auto galaxies = catalogue::read_shear_catalogue(comm, table_location(values), shear_columns(values));
  clock.begin("plan");
  Survey survey = choose_sky(comm, settings, galaxies);
  const survey::SurveySky& sky = *survey.sky;
  std::optional<theory::PowerSpectrum> spectrum;
  if (settings.needs_spectrum())
    mpi::collectively(comm, [&] { spectrum = spectrum_for(values, ell_range(survey)); });
  ModelGate gate(comm, settings);
  if (gate.model() != nullptr) gate.check(sky, 0.0, *spectrum);
  std::unique_ptr<ScoreModel> score;
  if (settings.sampler && !settings.sampler->model.empty())
    score = checked_score(comm, settings, sky, *spectrum);
  clock.begin("bin galaxies");
  survey.data = catalogue::bin_galaxies(comm, galaxies, sky.pixels(), settings.sigma_e);
  survey.sky->set_footprint(survey.data.count);
  report_rows(survey.data);
  log::info("{}", sky.description());

  const std::uint64_t maps = map_count(settings);
  const std::size_t table = spectrum ? 2 * spectrum->ell().size() : 0;
  io::MapWriter writer(comm, file, static_cast<double>(maps * sky.stored_pixels() + table), maps);
  sky.describe(writer);
  Products products(settings, survey, writer, clock);
  if (gate.model() != nullptr) gate.check(sky, products.noise_level(*gate.model()), *spectrum);
  if (settings.wiener && settings.tile_wiener)
    require_windows(comm, Tiling(settings, survey.plane->grid, survey.plane->box, gate.model()),
                    sky.pixel_radians(), gate.model(), *spectrum);
  products.write_data();
  if (settings.kaiser_squires) products.write_kaiser_squires();
  if (settings.wiener) products.write_wiener(*spectrum, gate.model());
  if (settings.sampler) products.write_beyond_gaussian(*spectrum, score.get());
  clock.begin("write provenance");
  config::Values resolved = values;
  if (survey.plane) {
    const PlaneGrid& field = survey.plane->grid;
    resolved.set("center", fmt::format("{:.17g},{:.17g}", field.centre().ra, field.centre().dec));
    resolved.set("npix", fmt::format("{},{}", field.nx(), field.ny()));
  } else {
    resolved.set("lmax", fmt::format("{}", sky.lmax()));
  }
  if (settings.automatic)
    resolved.set("methods", gate.model() != nullptr ? "ks,wiener,deepmass" : "ks,wiener");
  if (gate.model() != nullptr) resolved.set("model", gate.model()->path());
  if (score != nullptr) resolved.set("score-model", score->path());
  write_provenance(writer, comm, "map", resolved, spectrum ? &*spectrum : nullptr);
  if (gate.model() != nullptr) writer.attribute("/provenance", "model_checksum", gate.model()->checksum());
  if (score != nullptr) writer.attribute("/provenance", "score_checksum", score->checksum());
  clock.end();
  write_times(writer, clock);
  writer.commit();
  log::info("wrote {}", file.path());
}

}  // namespace

Application map_application() { return {map_command(), run_map, wants_networks}; }

}  // namespace tessera::apps
