#include "apps/map_products.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/log.hpp"
#include "inference/kaiser_squires.hpp"
#include "inference/wiener_map.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

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

constexpr const char* samples_name = "/maps/kappa_wiener_samples";

}  // namespace

PosteriorProblem posterior_problem(const MapSettings& settings, const Survey& survey,
                                   const theory::PowerSpectrum& spectrum, const ScoreModel* model) {
  return {{survey.sky.get(), &survey.data.gamma1, &survey.data.gamma2, &survey.data.noise_sigma, &spectrum,
           model, settings.sampler->prior_reach},
          settings.pixel_window,
          settings.tile};
}

MapProducts::MapProducts(const MapSettings& settings, const Survey& survey, io::MapWriter& writer,
                         StageClock& clock)
    : settings_(&settings), survey_(&survey), writer_(&writer), clock_(&clock), basis_(survey.sky->basis()) {}

void MapProducts::require_windows(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) const {
  const mpi::Communicator& comm = basis_.comm();
  const PlaneField& plane = *survey_->plane;
  const Tiling tiling(*settings_, plane.grid, plane.box, model);
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
  const double lowest =
      harmonic::PlaneBasis::ell_range({largest.width, largest.height}, plane.grid.pixel_radians()).min;
  if (lowest < spectrum.ell().front())
    fail(
        "the windows of --wiener tile, {} x {} pixels, hold ell down to {:.4g} and the spectrum begins at "
        "{:.4g}; give a smaller --wiener-margin or a wider table",
        largest.width, largest.height, lowest, spectrum.ell().front());
}

void MapProducts::write_data() {
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

void MapProducts::write_kaiser_squires() {
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

void MapProducts::write_beyond_gaussian(const theory::PowerSpectrum& spectrum, const ScoreModel* model,
                                        ChainSource chains) {
  clock_->begin("prepare posterior");
  const PosteriorProblem problem = posterior_problem(*settings_, *survey_, spectrum, model);
  write_point_estimates(problem, settings_->points, settings_->sampler->sigma_share, *writer_, *clock_);
  if (settings_->posterior)
    write_posterior(problem, *settings_->posterior, *settings_->sampler, chains, *writer_, *clock_);
}

double MapProducts::noise_level(const DeepMassModel& model) {
  noise_level_ = model.noise_level(basis_, survey_->data.noise_sigma);
  return noise_level_;
}

void MapProducts::write_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
  if (settings_->tile_wiener)
    write_tile_wiener(spectrum, model);
  else
    write_joint_wiener(spectrum, model);
}

void MapProducts::write_pipeline_names() {
  std::vector<double> variance = survey_->data.noise_sigma;
  for (double& value : variance) value *= value;
  write("/maps/var_g1_0", variance, {"1", "variance of the noise of g1_0 and of g2_0; 0 without galaxies"});
  writer_->link("/maps/var_g2_0", "/maps/var_g1_0");
  writer_->link("/maps/g1_0", "/data/gamma1");
  writer_->link("/maps/g2_0", "/data/gamma2");
  writer_->link("/maps/lensing_weight_0", "/data/weight");
}

void MapProducts::write_joint_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
  clock_->begin("wiener");
  const inference::ShearOperator shear(basis_);
  const inference::SignalCovariance signal(basis_, {spectrum}, settings_->pixel_window);
  const std::vector<double> information = inference::shear_information(survey_->data.noise_sigma);
  const inference::GaussianPosterior posterior(basis_, shear, signal, information);
  const std::vector<double> kappa = write_mean(posterior);
  if (model != nullptr) {
    clock_->begin("deepmass");
    write_deepmass(*model, model->evaluate(*survey_->sky, settings_->tile, kappa, survey_->data.noise_sigma));
  }
  if (settings_->samples > 0) write_samples(posterior, kappa);
}

void MapProducts::write_tile_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
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
    write_deepmass(*model,
                   {std::move(result.maps[1]), more > 1 ? std::move(result.maps[2]) : std::vector<double>{}});
}

void MapProducts::write_tile_report(const PlaneTiles& tiles, std::uint64_t margin,
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

std::vector<double> MapProducts::write_mean(const inference::GaussianPosterior& posterior) {
  inference::WienerMap map;
  {
    log::Progress progress("Wiener filter", 1);
    bool first = true;  // with what goes before it
    const double decades = -std::log(settings_->mean.tolerance);
    map = inference::wiener_map(
        basis_, posterior, survey_->data.gamma1, survey_->data.gamma2, settings_->mean, [&](double residual) {
          clock_->lap(first ? "start" : "iteration");
          first = false;
          progress.set(-std::log(residual) / decades, fmt::format("residual {:.1e}", residual));
        });
    residuals_ = map.report.residual_history;
  }
  clock_->begin("write wiener");
  write("/maps/kappa_wiener", map.kappa,
        {"1", "convergence, mean of the posterior under the Gaussian prior"});
  write_report(map.report);
  return std::move(map.kappa);
}

void MapProducts::write_report(const inference::CgReport& report) {
  const std::string group = "/diagnostics/wiener";
  writer_->create_group(group);
  write_box(group);
  writer_->attribute(group, "pixel_window", static_cast<std::int64_t>(settings_->pixel_window));
  writer_->attribute(group, "tolerance", settings_->mean.tolerance);
  writer_->attribute(group, "criterion", std::string("|b - A x| <= tolerance |b| on whitened coefficients"));
  writer_->attribute(group, "iterations", static_cast<std::int64_t>(report.iterations()));
  writer_->attribute(group, "converged", static_cast<std::int64_t>(report.converged));
  writer_->attribute(group, "samples", static_cast<std::int64_t>(settings_->samples));
  writer_->attribute(group, "sample_tolerance", settings_->draw.tolerance);
  writer_->write_table(group + "/residual_history", report.residual_history, 0,
                       {"1", "|b - A x| / |b| at the start and after every iteration"});
  log::info("Wiener filter: {} iterations, residual {:.1e}", report.iterations(),
            report.residual_history.back());
  if (!report.converged)
    log::warn("the Wiener filter did not reach the tolerance {:.1e} in {} iterations; raise --max-iterations",
              settings_->mean.tolerance, report.iterations());
}

void MapProducts::write_deepmass(const DeepMassModel& model, const DeepMassModel::Maps& maps) {
  clock_->begin("write deepmass");
  write("/maps/kappa_deepmass", maps.mean,
        {"1", "convergence, mean of the posterior by the network DeepMass"});
  if (model.has_deviation())
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

void MapProducts::write_samples(const inference::GaussianPosterior& posterior,
                                const std::vector<double>& mean) {
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

bool MapProducts::draw_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean,
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
    clock_->lap("draw");
    progress.step();
  }
  return converged;
}

double MapProducts::relative_error(const inference::PosteriorVariance& estimate,
                                   const std::vector<double>& deviation) const {
  std::vector<double> error(deviation.size()), mask(deviation.size());
  for (std::size_t p = 0; p < error.size(); ++p) {
    mask[p] = survey_->data.count[p] > 0.0 ? 1.0 : 0.0;
    error[p] = 1.0 / std::sqrt(2.0 * estimate.effective_draws(deviation[p] * deviation[p]));
  }
  return basis_.dot(harmonic::ConstPixels(error), harmonic::ConstPixels(mask)) /
         basis_.dot(harmonic::ConstPixels(mask), harmonic::ConstPixels(mask));
}

void MapProducts::write_box(const std::string& group) {
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

void MapProducts::write(const std::string& name, const std::vector<double>& map,
                        const io::Description& what) {
  writer_->write_map(name, survey_->sky->shape(), survey_->sky->stored(map), what);
}

}  // namespace tessera::apps
