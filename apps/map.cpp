// tessera map: from a shear catalogue to convergence maps.
#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/ranges.h>

#include "apps/catalogue_options.hpp"
#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/networks.hpp"
#include "apps/provenance.hpp"
#include "catalogue/binning.hpp"
#include "core/error.hpp"
#include "inference/gaussian_posterior.hpp"
#include "inference/kaiser_squires.hpp"
#include "inference/posterior_variance.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Bins the galaxies of a shear catalogue on a grid and maps the convergence kappa:\n"
    "  ks       Kaiser-Squires inversion, E and B modes: no prior, no noise weighting\n"
    "  wiener   Wiener filter: the mean of the posterior under a Gaussian prior with the given spectrum, for "
    "masked\n"
    "           and uneven noise, and the standard deviation from exact posterior draws\n"
    "  deepmass the mean of the posterior and its standard deviation by a network that was trained on "
    "simulated "
    "skies\n"
    "           and knows the noise; refused on data that its model was not made for\n"
    "Writes one HDF5 file: /maps/*, /data/*, /wcs, /provenance, /diagnostics. Maps are [ny][nx], y to the "
    "North, x to\n"
    "the West; kappa and gamma have no dimension.\n\n"
    "example: mpirun -n 4 tessera map --catalogue shear.fits --spectrum cl.txt --out maps.h5\n";

config::Command map_command() {
  std::vector<config::Option> field = field_options();
  field.push_back({"sigma-e", "S", "ellipticity dispersion per component [measured from the catalogue]"});
  std::vector<config::Option> methods{
      {"methods", "LIST",
       "maps to make: ks, wiener, deepmass (which includes wiener) [all; deepmass where its model fits the "
       "data]"},
      {"smoothing-arcmin", "S",
       "standard deviation of the Gaussian that smooths the Kaiser-Squires maps, arcmin", "0"},
      {"wiener", "joint|tile",
       "joint: one filter for the whole sky; tile: every tile on its own rank, with a margin and no "
       "communication, for "
       "quick looks at large surveys",
       "joint"},
      {"wiener-margin", "N", "tile: pixels around a tile that its filter sees (beside the network's halo)",
       "96"},
      {"tolerance", "T", "Wiener: stop when the residual is T times the right-hand side", "1e-7"},
      {"max-iterations", "N", "Wiener: give up after N iterations", "1000"},
      {"samples", "N",
       "Wiener: posterior draws for the standard deviation map; 0 for none [8; 0 with --wiener tile]"},
      {"sample-tolerance", "T", "Wiener: the tolerance for draws", "1e-5"},
      {"save-samples", "", "write the draws themselves, /maps/kappa_wiener_samples [draw][ny][nx]"},
      {"seed", "N", "seed of the draws; the same seed gives the same bits on any number of ranks", "1"}};
  for (const config::Option& option : spectrum_options()) methods.push_back(option);
  const std::vector<config::Option> networks{
      {"model", "FILE",
       "model of 'tessera train deepmass', or a TorchScript module with a model card [deepmass_cosmos.h5 of "
       "the folder data]"},
      {"tile", "N", "side of the tiles that ranks share, pixels", "256"},
      {"outside-card", "refuse|warn", "what to do with data that the model was not made for", "refuse"}};
  return {
      "map",
      "convergence maps from a shear catalogue",
      description,
      {catalogue_options(),
       {"Field", field},
       {"Methods", methods},
       {"DeepMass", networks},
       {"Output",
        {{"out", "FILE", "HDF5 file to write"}, {"overwrite", "", "replace the output file if it exists"}}}}};
}

constexpr const char* default_model = "deepmass_cosmos.h5";

bool wants_networks(const config::Values& values) {
  if (!values.has("methods")) return values.has("model") || !find_data(default_model).empty();
  const std::vector<std::string> methods = values.words("methods");
  return std::find(methods.begin(), methods.end(), "deepmass") != methods.end();
}

/// The options that steer the computation, checked.
struct Settings {
  FieldSettings field;
  bool kaiser_squires = false;
  bool wiener = false;
  bool deepmass = false;
  bool tile_wiener = false;
  std::uint64_t margin = 0;  // pixels
  bool automatic = false;    // methods not given: DeepMass only where it can be
  bool outside_card = false;
  std::string model;
  std::uint64_t tile = 0;
  double smoothing = 0.0;  // radians
  inference::CgOptions mean, draw;
  std::uint32_t samples = 0;
  bool save_samples = false;
  bool pixel_window = true;
  std::uint64_t seed = 0;
  std::optional<double> sigma_e;

  explicit Settings(const config::Values& values) : field(values) {
    automatic = !values.has("methods");
    kaiser_squires = wiener = deepmass = automatic;
    for (const std::string& method : automatic ? std::vector<std::string>{} : values.words("methods")) {
      if (method == "ks")
        kaiser_squires = true;
      else if (method == "wiener")
        wiener = true;
      else if (method == "deepmass")
        wiener = deepmass = true;
      else
        fail("--methods has '{}' and knows: ks, wiener, deepmass", method);
    }
    outside_card = values.choice("outside-card", {"refuse", "warn"}) == "warn";
    tile = values.count("tile", 1, 1 << 20);
    model = values.has("model") ? values.text("model") : find_data(default_model);
    smoothing = values.number("smoothing-arcmin", 0.0, 600.0) * radians_per_arcmin;
    mean.tolerance = values.number("tolerance", 1e-14, 0.1);
    draw.tolerance = values.number("sample-tolerance", 1e-14, 0.1);
    mean.max_iterations = draw.max_iterations = static_cast<int>(values.count("max-iterations", 1, 1000000));
    tile_wiener = values.choice("wiener", {"joint", "tile"}) == "tile";
    margin = values.count("wiener-margin", 0, 1 << 16);
    constexpr std::uint32_t usual_samples = 8;
    samples = tile_wiener ? 0 : usual_samples;
    if (values.has("samples")) samples = static_cast<std::uint32_t>(values.count("samples", 0, 1000000));
    if (tile_wiener && samples > 0)
      fail(
          "--samples {} cannot be drawn tile by tile: draws need the whole sky at once; give --samples 0 or "
          "--wiener "
          "joint",
          samples);
    save_samples = values.flag("save-samples");
    pixel_window = values.choice("pixel-window", {"yes", "no"}) == "yes";
    seed = values.count("seed", 0, UINT64_MAX);
    if (values.has("sigma-e")) sigma_e = values.number("sigma-e", 1e-6, 10.0);
    values.require("catalogue");
    if (wiener) require_spectrum(values);
  }
};

void report_rows(const catalogue::ShearMaps& data) {
  const catalogue::RowCounts& rows = data.counts;
  log::info("catalogue: {} rows, {} galaxies used", rows.total, rows.used());
  const auto left_out = [](std::uint64_t count, const char* reason) {
    if (count > 0) log::info("  left out: {} {}", count, reason);
  };
  left_out(rows.not_finite, "not finite or null");
  left_out(rows.bad_position, "with |dec| > 90 degrees");
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

/// Doubles more for a network: its inputs, outputs and their exchange. Counted.
constexpr double network_doubles_per_pixel = 16.0;

std::uint64_t rounded_up(std::uint64_t n, std::uint64_t unit) { return (n + unit - 1) / unit * unit; }

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

  Tiling(const Settings& settings, const PlaneGrid& field, PaddedBox box, const DeepMassModel* model)
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
  PlaneGrid field;
  PaddedBox box;
  catalogue::ShearMaps data;
};

class Products {
 public:
  Products(const mpi::Communicator& comm, const Settings& settings, const Survey& survey,
           io::MapWriter& writer, StageClock& clock)
      : settings_(&settings),
        survey_(&survey),
        writer_(&writer),
        clock_(&clock),
        basis_(comm, survey.box, survey.field.pixel_radians()) {}

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

  void write_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    if (settings_->tile_wiener)
      write_tile_wiener(spectrum, model);
    else
      write_joint_wiener(spectrum, model);
  }

  [[nodiscard]] double noise_level(const DeepMassModel& model) const {
    return model.noise_level(basis_, survey_->data.noise_sigma);
  }

 private:
  void write_joint_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    clock_->begin("wiener");
    const inference::ShearOperator shear(basis_);
    const inference::SignalCovariance signal(basis_, {spectrum}, settings_->pixel_window);
    const std::vector<double> information = inverse_variance();
    const inference::GaussianPosterior posterior(basis_, shear, signal, information);
    const std::vector<double> kappa = write_mean(posterior);
    if (model != nullptr) {
      clock_->begin("deepmass");
      write_deepmass(*model, model->evaluate(basis_.comm(), basis_, survey_->field, survey_->box,
                                             settings_->tile, kappa, survey_->data.noise_sigma));
    }
    if (settings_->samples > 0) write_samples(posterior, kappa);
  }

  /// Filter and network tile by tile.
  void write_tile_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) {
    clock_->begin(model != nullptr ? "wiener and deepmass" : "wiener");
    const Tiling tiling(*settings_, survey_->field, survey_->box, model);
    const PlaneTiles& tiles = tiling.tiles;
    inference::TileWiener wiener(basis_.comm(), tiles, tiling.blend, survey_->field.pixel_radians(), spectrum,
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
    writer_->attribute(group, "tile", static_cast<std::int64_t>(tiles.side()));
    writer_->attribute(group, "margin", static_cast<std::int64_t>(margin));
    writer_->attribute(group, "iterations", static_cast<std::int64_t>(result.iterations));
    writer_->attribute(group, "converged", static_cast<std::int64_t>(result.converged));
    log::info("Wiener filter in {} tiles with a margin of {} pixels: at most {} iterations", tiles.count(),
              margin, result.iterations);
    if (!result.converged)
      log::warn("the Wiener filter of some tiles did not reach the tolerance {:.1e}; raise --max-iterations",
                settings_->mean.tolerance);
  }

  [[nodiscard]] std::vector<double> inverse_variance() const {
    const auto& sigma = survey_->data.noise_sigma;
    std::vector<double> values(2 * sigma.size());
    for (std::size_t p = 0; p < sigma.size(); ++p)
      values[p] = values[p + sigma.size()] = sigma[p] > 0.0 ? 1.0 / (sigma[p] * sigma[p]) : 0.0;
    return values;
  }

  std::vector<double> write_mean(const inference::GaussianPosterior& posterior) {
    std::vector<double> data = survey_->data.gamma1;
    data.insert(data.end(), survey_->data.gamma2.begin(), survey_->data.gamma2.end());
    std::vector<inference::Complex> x(basis_.mode_count());
    inference::CgReport report;
    {
      log::Progress progress("Wiener filter", 1);
      const double decades = -std::log(settings_->mean.tolerance);
      report = posterior.mean(data, x, settings_->mean, [&](double residual) {
        progress.set(-std::log(residual) / decades, fmt::format("residual {:.1e}", residual));
      });
    }
    std::vector<double> kappa(basis_.pixel_count());
    posterior.synthesis(x, kappa);
    clock_->begin("write wiener");
    write("/maps/kappa_wiener", kappa, {"1", "convergence, mean of the posterior under the Gaussian prior"});
    write_report(report);
    return kappa;
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
    writer_->attribute(group, "noise_level", noise_level(model));
    log::info("DeepMass: model {}, checksum {}", model.path(), model.checksum());
  }

  void write_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean) {
    if (settings_->save_samples)
      writer_->create_stack(samples_name, settings_->samples, survey_->field,
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
        writer_->write_slice(samples_name, sample, survey_->field, rows(kappa));
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
    writer_->attribute(group, "box_nx", static_cast<std::int64_t>(survey_->box.nx));
    writer_->attribute(group, "box_ny", static_cast<std::int64_t>(survey_->box.ny));
  }

  [[nodiscard]] io::BoxRows rows(const std::vector<double>& map) const {
    return {map, basis_.first_row(), basis_.nx()};
  }

  void write(const std::string& name, const std::vector<double>& map, const io::Description& what) {
    writer_->write_map(name, survey_->field, rows(map), what);
  }

  const Settings* settings_;
  const Survey* survey_;
  io::MapWriter* writer_;
  StageClock* clock_;
  harmonic::PlaneBasis basis_;
};

/// Decides whether DeepMass is run: refuses data that the model was not made for, or warns, or leaves
/// DeepMass out where it was not asked for by name. Collective.
class ModelGate {
 public:
  ModelGate(const mpi::Communicator& comm, const Settings& settings) : settings_(&settings) {
    if (!settings.deepmass) return;
    const int ranks = comm.ranks_on_node();
    mpi::collectively(comm, [&] {
      if (!settings.model.empty() && has_networks()) model_ = load_deepmass(settings.model, ranks);
      if (model_ == nullptr && !settings.automatic) require_model();
    });
    if (model_ == nullptr) warn_left_out();
  }

  [[nodiscard]] const DeepMassModel* model() const { return model_.get(); }

  void check(double pixel_arcmin, double noise, const theory::PowerSpectrum& spectrum) {
    if (model_ == nullptr) return;
    const std::vector<std::string> reasons = model_->reasons_against(pixel_arcmin, noise, spectrum);
    if (reasons.empty()) return;
    const std::string all = fmt::format("{}", fmt::join(reasons, "; "));
    if (settings_->outside_card) {
      if (noise > 0.0)
        log::warn("DeepMass is used on data that '{}' was not made for: {}", model_->path(), all);
    } else if (settings_->automatic) {
      log::warn("DeepMass is left out, since '{}' was not made for these data: {}", model_->path(), all);
      model_ = nullptr;
    } else {
      fail(
          "'{}' was not made for these data: {}; train a model for them, or use it nevertheless with "
          "--outside-card warn",
          model_->path(), all);
    }
  }

 private:
  void warn_left_out() const {
    if (settings_->model.empty())
      log::warn("DeepMass is left out: there is no model {}; give one by --model", default_model);
    else
      log::warn(
          "DeepMass is left out: it needs the program 'tessera-networks', which is not beside 'tessera'; "
          "build or install both");
  }

  void require_model() const {
    if (settings_->model.empty())
      fail("--methods deepmass needs a model, and there is no {} in the data folder; give one by --model",
           default_model);
    static_cast<void>(load_deepmass(settings_->model, 1));
  }

  const Settings* settings_;
  std::unique_ptr<DeepMassModel> model_;
};

/// Maps that the run will write, for the disk space they need.
std::uint64_t map_count(const Settings& settings) {
  return 10 + (settings.deepmass ? 2 : 0) + (settings.save_samples ? settings.samples : 0);
}

void run_map(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  StageClock clock;
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));

  clock.begin("read catalogue");
  const auto galaxies = catalogue::read_shear_catalogue(comm, table_location(values), shear_columns(values));
  clock.begin("bin galaxies");
  const PlaneGrid field = choose_field(comm, settings.field, galaxies);
  const PaddedBox box = padded_box(field, settings.field.padding);
  require_box_memory(comm, box, doubles_per_pixel + (settings.deepmass ? network_doubles_per_pixel : 0.0));
  std::optional<theory::PowerSpectrum> spectrum;
  if (settings.wiener)
    mpi::collectively(comm, [&] { spectrum = spectrum_for(values, box, field.pixel_radians()); });
  ModelGate gate(comm, settings);
  if (gate.model() != nullptr) gate.check(field.pixel_arcmin(), 0.0, *spectrum);
  const Survey survey{field, box, catalogue::bin_galaxies(comm, galaxies, field, box, settings.sigma_e)};
  report_rows(survey.data);
  log::info("field: {} x {} pixels of {} arcmin about RA {:.5f}, Dec {:.5f}; periodic box {} x {}",
            field.nx(), field.ny(), field.pixel_arcmin(), field.centre().ra, field.centre().dec, box.nx,
            box.ny);

  clock.begin("plan");
  const std::uint64_t maps = map_count(settings);
  const std::size_t table = spectrum ? 2 * spectrum->ell().size() : 0;
  io::MapWriter writer(comm, file, static_cast<double>(maps * field.nx() * field.ny() + table), maps);
  writer.write_wcs(field);
  Products products(comm, settings, survey, writer, clock);
  if (gate.model() != nullptr)
    gate.check(field.pixel_arcmin(), products.noise_level(*gate.model()), *spectrum);
  if (settings.wiener && settings.tile_wiener)
    require_windows(comm, Tiling(settings, field, box, gate.model()), field.pixel_radians(), gate.model(),
                    *spectrum);
  products.write_data();
  if (settings.kaiser_squires) products.write_kaiser_squires();
  if (settings.wiener) products.write_wiener(*spectrum, gate.model());
  clock.begin("write provenance");
  config::Values resolved = values;
  resolved.set("center", fmt::format("{:.17g},{:.17g}", field.centre().ra, field.centre().dec));
  if (settings.automatic)
    resolved.set("methods", gate.model() != nullptr ? "ks,wiener,deepmass" : "ks,wiener");
  if (gate.model() != nullptr) resolved.set("model", gate.model()->path());
  resolved.set("npix", fmt::format("{},{}", field.nx(), field.ny()));
  write_provenance(writer, comm, "map", resolved, spectrum ? &*spectrum : nullptr);
  if (gate.model() != nullptr) writer.attribute("/provenance", "model_checksum", gate.model()->checksum());
  clock.end();
  write_times(writer, clock);
  writer.commit();
  log::info("wrote {}", file.path());
}

}  // namespace

Application map_application() { return {map_command(), run_map, wants_networks}; }

}  // namespace tessera::apps
