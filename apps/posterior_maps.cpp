#include "apps/posterior_maps.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>

#include "apps/posterior_checkpoint.hpp"
#include "apps/posterior_diagnostics.hpp"
#include "core/error.hpp"
#include "core/interruption.hpp"
#include "core/log.hpp"
#include "posterior/detections.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "posterior/predictive.hpp"

namespace tessera::apps {
namespace {

using posterior::Complex;

constexpr const char* samples_name = "/maps/kappa_posterior_samples";
constexpr std::array quantile_parts{0.025, 0.16, 0.5, 0.84, 0.975};

class PosteriorRun {
 public:
  PosteriorRun(const PosteriorProblem& problem, const PosteriorSettings& settings,
               const SamplerSettings& sampler, io::MapWriter& writer, StageClock& clock)
      : problem_(&problem),
        settings_(&settings),
        writer_(&writer),
        clock_(&clock),
        basis_(&problem.basis()),
        whole_(*basis_),
        tests_(*basis_, problem.data(), problem.variance(), problem.sky().band_edges()),
        layout_{tests_.edges().size() - 1, survey::SurveySky::watched_places},
        summary_(problem.sky().stored(std::vector<double>(basis_->pixel_count())).size()),
        options_(sampler.options) {
    options_.lowest_sigma =
        sampler.lowest_sigma(posterior::smoothed_prior_rms(*basis_, problem.spectrum(), 0.0));
    options_.sigma = posterior::sampling_sigma(basis_->comm(), problem.variance(), sampler.sigma_share,
                                               problem.residual());
    sampler_.emplace(*basis_, whole_, problem.spectrum(), problem.data(), problem.variance(),
                     problem.residual(), options_, settings.seed);
    for (const double arcmin : settings.scales) {
      const double scale = arcmin * radians_per_arcmin;
      scales_.emplace_back(
          *basis_, scale,
          settings.threshold * posterior::smoothed_prior_rms(*basis_, problem.spectrum(), scale));
    }
    progress_.expected.resize(summary_.pixels());
    identity_ =
        settings.identity + fmt::format("data = {:.17g}\nmodel = {}\norder = {}\n", problem.fingerprint(),
                                        problem.model() != nullptr ? problem.model()->checksum() : "none",
                                        problem.sky().order());
  }

  void run() {
    writer_->create_stack(samples_name, total(), problem_->sky().shape(),
                          {"1", "convergence, draws from the posterior; the chains one after the other"},
                          io::Precision::float32);
    go_on();
    log::info("posterior: {} chains of {} samples; noise counted to the field {:.4f} in a pixel",
              settings_->chains, settings_->samples, options_.sigma);
    sample();
    write_maps();
    write_detections();
    posterior::SamplerOptions used = options_;
    used.hmc.step = sampler_->step();
    PosteriorDiagnostics(*problem_, tests_, layout_, progress_.series, settings_->chains)
        .write(*writer_, used);
  }

 private:
  [[nodiscard]] std::uint64_t total() const {
    return static_cast<std::uint64_t>(settings_->chains) * settings_->samples;
  }

  void write_sample(std::size_t number) {
    const std::vector<float>& sample = summary_.sample(number);
    const std::vector<double> values(sample.begin(), sample.end());
    writer_->write_slice(samples_name, number, problem_->sky().shape(), values);
  }

  void go_on() {
    const bool there = settings_->resume &&
                       basis_->comm().broadcast(
                           std::string(std::filesystem::exists(settings_->checkpoint) ? "yes" : "")) == "yes";
    if (!there) return;
    const PosteriorShape shape{settings_->chains, settings_->samples,
                               static_cast<std::uint32_t>(whole_.components()), layout_.columns()};
    progress_ = read_posterior_checkpoint(*basis_, settings_->checkpoint, identity_, shape, summary_.pixels(),
                                          summary_, scales_);
    for (std::size_t s = 0; s < summary_.count(); ++s) write_sample(s);
    log::info("going on after {} of {} samples of {}", summary_.count(), total(), settings_->checkpoint);
  }

  void sample() {
    interruption::listen();
    clock_->begin("posterior samples");
    const std::uint64_t steps = options_.burn_in + settings_->samples * sampler_->steps_per_sample();
    log::Progress bar("posterior samples", settings_->chains * steps);
    const auto step = [&] { bar.step(note_); };
    std::vector<Complex> kappa(basis_->mode_count()), expected(basis_->mode_count());
    last_checkpoint_ = Clock::now();
    for (; progress_.chain < settings_->chains; ++progress_.chain, progress_.sample = 0) {
      if (progress_.sample == 0)
        sampler_->begin(progress_.chain, step);
      else
        sampler_->resume(progress_.chain, progress_.sample, progress_.state);
      while (progress_.sample < settings_->samples) {
        sampler_->next(kappa, expected, step);
        ++progress_.sample;
        add(kappa);
        add_expected(expected);
        save_if_wanted();
      }
    }
    remove_checkpoint();
  }

  void add(posterior::ConstModes kappa) {
    std::vector<double> map(basis_->pixel_count());
    basis_->synthesis(kappa, map);
    summary_.add(problem_->sky().stored(map));
    write_sample(summary_.count() - 1);
    for (posterior::ScaleSignificance& scale : scales_) scale.add(kappa);
    const posterior::PredictiveTests::Result tests = tests_(kappa);
    std::vector<double> row(layout_.columns());
    row[SeriesLayout::chi2()] = tests.chi2;
    const std::vector<double> power = posterior::band_sums(*basis_, kappa, tests_.edges());
    for (std::size_t b = 0; b < layout_.bands; ++b) {
      row[SeriesLayout::power() + b] = std::log(power[b]);
      row[layout_.e_residual() + b] = tests.e_power[b];
      row[layout_.b_residual() + b] = tests.b_power[b];
    }
    const std::vector<double> pixels = problem_->sky().watched(map);
    std::copy(pixels.begin(), pixels.end(), row.begin() + static_cast<std::ptrdiff_t>(layout_.pixel()));
    const posterior::HmcCounts& counts = sampler_->sample_counts();
    const std::array<double, SeriesLayout::count_columns> figures{static_cast<double>(counts.trajectories),
                                                                  static_cast<double>(counts.accepted),
                                                                  static_cast<double>(counts.energies),
                                                                  counts.energy_error,
                                                                  counts.energy_error_square,
                                                                  static_cast<double>(counts.scores)};
    std::copy(figures.begin(), figures.end(), row.begin() + static_cast<std::ptrdiff_t>(layout_.counts()));
    progress_.series.push_back(std::move(row));
    note_ = fmt::format("sample {} of {}, chi^2 {:.4f} per datum", summary_.count(), total(),
                        tests.chi2 / tests_.degrees_of_freedom());
  }

  void add_expected(posterior::ConstModes expected) {
    std::vector<double> map(basis_->pixel_count());
    basis_->synthesis(expected, map);
    const std::vector<double> field = problem_->sky().stored(map);
    for (std::size_t p = 0; p < field.size(); ++p) progress_.expected[p] += field[p];
  }

  void save_if_wanted() {
    const double minutes =
        std::chrono::duration<double, std::ratio<60>>(Clock::now() - last_checkpoint_).count();
    const bool timely = minutes >= settings_->checkpoint_minutes;
    int wanted = (interruption::checkpoint_wanted() || timely ? 1 : 0) + (interruption::end_wanted() ? 2 : 0);
    const int end = basis_->comm().max(wanted / 2);
    wanted = basis_->comm().max(wanted % 2);
    if (wanted + end == 0) return;
    PosteriorProgress saved = progress_;
    saved.state = sampler_->chain().state();
    write_posterior_checkpoint(*basis_, settings_->checkpoint, identity_, saved, summary_, scales_);
    last_checkpoint_ = Clock::now();
    log::info("checkpoint {} after {} of {} samples", settings_->checkpoint, summary_.count(), total());
    if (end > 0)
      fail("ended on request after {} of {} samples; the same command with --resume goes on from '{}'",
           summary_.count(), total(), settings_->checkpoint);
  }

  void remove_checkpoint() const {
    if (basis_->comm().is_root()) {
      std::error_code ignored;
      std::filesystem::remove(settings_->checkpoint, ignored);
    }
  }

  void write_map(const std::string& name, const std::vector<double>& map, const std::string& text) {
    writer_->write_map("/maps/" + name, problem_->sky().shape(), map, {"1", text});
  }

  void write_maps() {
    clock_->begin("write posterior");
    std::vector<double> mean = progress_.expected;
    for (double& value : mean) value /= static_cast<double>(summary_.count());
    write_map("kappa_posterior", mean,
              "convergence, posterior mean: of what every state of the chains expects of it, of which the "
              "samples' own mean is a noisier estimate");
    if (summary_.count() > 1) {
      write_map("kappa_posterior_std", summary_.deviation(), "standard deviation of the posterior samples");
      write_map("kappa_posterior_skewness", summary_.skewness(), "skewness of the posterior samples");
    }
    for (const double part : quantile_parts)
      write_map(fmt::format("kappa_posterior_quantile_{:g}", part), summary_.quantile(part),
                fmt::format("quantile {:g} of the posterior samples", part));
  }

  void write_detections() {
    std::vector<double> rows;
    std::string counts;
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      const posterior::ScaleSignificance& scale = scales_[i];
      const std::string name = fmt::format("probability_{:g}arcmin", settings_->scales[i]);
      write_map(name, problem_->sky().stored(scale.probability()),
                fmt::format("posterior probability that the convergence smoothed by a Gaussian of standard "
                            "deviation {:g} arcmin exceeds {:.4g}",
                            settings_->scales[i], scale.threshold()));
      writer_->attribute("/maps/" + name, "threshold", scale.threshold());
      const auto found = posterior::find_detections(problem_->sky(), scale.mean(), scale.deviation(),
                                                    scale.probability(), settings_->scales[i],
                                                    scale.threshold(), settings_->detection_probability);
      for (const posterior::Detection& d : found) {
        // Rows and columns on the plane.
        const std::uint64_t nx = width_of_field(), column = nx > 0 ? d.pixel % nx : d.pixel,
                            row = nx > 0 ? d.pixel / nx : 0;
        const auto x = static_cast<double>(column), y = static_cast<double>(row);
        rows.insert(rows.end(), {d.ra, d.dec, x, y, d.scale, d.kappa, d.deviation, d.signal_to_noise,
                                 d.threshold, d.probability});
      }
      counts +=
          fmt::format("{}{} at {:g} arcmin", counts.empty() ? "" : ", ", found.size(), settings_->scales[i]);
    }
    log::info("detections above {:g} standard deviations of the prior with a probability of {:g}: {}",
              settings_->threshold, settings_->detection_probability, counts);
    writer_->create_group("/detections");
    const bool plane = width_of_field() > 0;
    const std::array names{"ra",    "dec",       plane ? "x" : "pixel", "y",         "scale_arcmin",
                           "kappa", "kappa_std", "signal_to_noise",     "threshold", "probability"};
    constexpr std::array units{"deg", "deg", "pixel", "pixel", "arcmin", "1", "1", "1", "1", "1"};
    for (std::size_t c = 0; c < names.size(); ++c) {
      if (!plane && names[c] == std::string("y")) continue;
      std::vector<double> column;
      if (basis_->comm().is_root())
        for (std::size_t i = c; i < rows.size(); i += names.size()) column.push_back(rows[i]);
      writer_->write_column(std::string("/detections/") + names[c], column,
                            {units[c], "peaks of the smoothed posterior mean, by scale and falling S/N"});
    }
  }

  /// 0 on the sphere, where a pixel is a number.
  [[nodiscard]] std::uint64_t width_of_field() const {
    const io::MapShape& shape = problem_->sky().shape();
    return shape.nside > 0 ? 0 : shape.extent[1];
  }

  using Clock = std::chrono::steady_clock;
  const PosteriorProblem* problem_;
  const PosteriorSettings* settings_;
  io::MapWriter* writer_;
  StageClock* clock_;
  const harmonic::HarmonicBasis* basis_;
  inference::WholeShearOperator whole_;
  posterior::PredictiveTests tests_;
  SeriesLayout layout_;
  posterior::SampleSummary summary_;
  posterior::SamplerOptions options_;
  std::optional<posterior::Sampler> sampler_;
  std::vector<posterior::ScaleSignificance> scales_;
  PosteriorProgress progress_;
  std::string identity_, note_;
  Clock::time_point last_checkpoint_;
};

}  // namespace

std::vector<config::Option> posterior_options() {
  std::vector<config::Option> options{
      {"chains", "C", "chains, each from a start of its own", "4"},
      {"scales-arcmin", "LIST",
       "scales at which to look for peaks: standard deviations of Gaussians, arcmin [1,2,4; healpix: "
       "10,20,40]"},
      {"threshold", "NU", "what smoothed convergence must exceed, in standard deviations of its prior", "3"},
      {"detection-probability", "P", "posterior probability from which on a peak is listed", "0.5"},
      {"checkpoint-minutes", "T",
       "minutes between checkpoints OUT.checkpoint; SIGUSR1 asks for one, SIGTERM for one and an end", "10"},
      {"resume", "", "go on from OUT.checkpoint, if it is there; ends with the same bits"}};
  for (const config::Option& option : sampler_options()) options.push_back(option);
  return options;
}

PosteriorSettings::PosteriorSettings(const config::Values& values, std::uint32_t samples_of_a_chain)
    : chains(static_cast<std::uint32_t>(values.count("chains", 1, 10000))),
      samples(samples_of_a_chain),
      scales{1.0, 2.0, 4.0},
      threshold(values.number("threshold", -100.0, 100.0)),
      detection_probability(values.number("detection-probability", 0.0, 1.0)),
      checkpoint_minutes(values.number("checkpoint-minutes", 0.0, 1e6)),
      resume(values.flag("resume")),
      checkpoint(values.text("out") + ".checkpoint"),
      seed(values.count("seed", 0, UINT64_MAX)) {
  if (values.text_or("grid", "plane") == "healpix") scales = {10.0, 20.0, 40.0};
  if (values.has("scales-arcmin")) scales = values.numbers("scales-arcmin");
  for (const double scale : scales)
    if (!(scale > 0.0 && scale < 600.0))
      fail("--scales-arcmin has the entry {}; scales above 0 and below 600 arcmin are expected", scale);
  if (samples < 1) fail("--samples 0 leaves the posterior without samples; give at least 1");
  config::Values same = values;
  for (const char* const name :
       {"resume", "overwrite", "out", "checkpoint-minutes", "quiet", "verbose", "tile", "model", "methods"})
    same.erase(name);
  identity = same.resolved();
}

std::uint64_t posterior_map_count(const PosteriorSettings& settings) {
  return settings.chains * settings.samples + 3 + quantile_parts.size() + settings.scales.size();
}

void write_posterior(const PosteriorProblem& problem, const PosteriorSettings& settings,
                     const SamplerSettings& sampler, io::MapWriter& writer, StageClock& clock) {
  PosteriorRun(problem, settings, sampler, writer, clock).run();
}

}  // namespace tessera::apps
