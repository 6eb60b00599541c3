// tessera calibrate: posterior samples against known truths.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/calibrate_options.hpp"
#include "apps/calibration_surveys.hpp"
#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/map_settings.hpp"
#include "apps/networks.hpp"
#include "apps/provenance.hpp"
#include "apps/sampler_options.hpp"
#include "apps/survey_options.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "inference/wiener_map.hpp"
#include "mpi/agreement.hpp"
#include "posterior/calibration.hpp"
#include "posterior/learned_domain.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "posterior/scale_significance.hpp"
#include "statistics/mean_error.hpp"

namespace tessera::apps {
namespace {

using statistics::MeanError;

struct Settings {
  SamplerSettings sampler;
  simulate::SurveyPrior prior;
  std::uint64_t surveys, first, samples, tile, seed;
  std::string deepmass;  // empty: without
  std::string card_out;  // empty: not asked for
  std::string device;

  explicit Settings(const config::Values& values)
      : sampler(values),
        prior(survey_prior(values)),
        surveys(values.count("surveys", 1, 100000)),
        first(values.count("first-survey", 0, 1000000)),
        samples(values.count("samples", 8, 100000)),
        tile(values.count("tile", 1, 1 << 20)),
        seed(values.count("seed", 0, UINT64_MAX)),
        deepmass(values.has("deepmass-model")
                     ? values.text("deepmass-model")
                     : find_data(default_model(values.choice("grid", {"plane", "healpix"}) == "healpix"))) {
    if (deepmass == "none") deepmass.clear();
    if (values.has("card-out")) card_out = values.text("card-out");
    if (!card_out.empty() && sampler.model.empty())
      fail("--card-out is for the card of a score network, and --score-model is none; leave one out");
    device = values.text("device");
    require_spectrum(values);
    values.require("out");
  }
};

/// The steps from a sky to samples of its survey, by the ranks of a group.
class Pipeline {
 public:
  Pipeline(const mpi::Communicator& comm, const Settings& settings, CalibrationSurveys& surveys)
      : comm_(&comm),
        settings_(&settings),
        surveys_(&surveys),
        sky_(surveys.sky(comm)),
        basis_(sky_->basis()),
        places_(surveys.places(*sky_)),
        field_pixels_(surveys.field().sky->basis().total_pixels()),
        shear_(basis_),
        closed_(basis_),
        signal_(basis_, {surveys.spectrum()}, surveys.pixel_averaged()),
        spectrum_(posterior::pixel_spectrum(basis_, signal_)) {
    const NetworkPlace place{settings.device, comm.place_on_node()};
    mpi::collectively(comm, [&] {
      if (!settings.sampler.model.empty()) score_ = load_score(settings.sampler.model, place);
      if (!settings.deepmass.empty()) deepmass_ = load_deepmass(settings.deepmass, place);
    });
  }

  [[nodiscard]] const ScoreModel* score() const { return score_.get(); }

  posterior::CalibrationSurvey survey(std::uint64_t number, const std::function<void()>& progress) {
    posterior::CalibrationSurvey result;
    CalibrationSurveys::Mock mock;
    mpi::collectively(*comm_, [&] {
      mock = surveys_->mock(number);
      result.maps.reference = surveys_->reference(number);
    });
    result.mask.resize(mock.truth.size());
    for (std::size_t p = 0; p < result.mask.size(); ++p)
      result.mask[p] = mock.survey.noise_sigma[p] > 0.0 ? 1.0 : 0.0;
    result.maps.truth = std::move(mock.truth);
    sample(mock.survey, number, result, progress);
    return result;
  }

 private:
  /// This rank's pixels of the sky from a map of the field, zero beyond it.
  [[nodiscard]] std::vector<double> on_sky(const std::vector<double>& map) const {
    std::vector<double> own(places_.size(), 0.0);
    for (std::size_t p = 0; p < own.size(); ++p)
      if (places_[p] != CalibrationSurveys::beyond_field) own[p] = map[places_[p]];
    return own;
  }

  /// The field of a map of the sky, on every rank.
  [[nodiscard]] std::vector<double> gathered(const std::vector<double>& own) const {
    std::vector<double> map(field_pixels_, 0.0);
    for (std::size_t p = 0; p < own.size(); ++p)
      if (places_[p] != CalibrationSurveys::beyond_field) map[places_[p]] = own[p];
    comm_->sum(std::span(map));  // one rank has a number, the others zero: nothing is rounded
    return map;
  }

  [[nodiscard]] std::unique_ptr<posterior::ResidualScore> residual(
      const std::vector<double>& variance) const {
    if (score_ == nullptr) return nullptr;
    return score_->residual(
        *sky_, spectrum_, settings_->tile,
        posterior::learned_domain(basis_, harmonic::ConstPixels(variance).first(basis_.pixel_count()),
                                  settings_->sampler.prior_reach));
  }

  void sample(const simulate::MockSurvey& mock, std::uint64_t number, posterior::CalibrationSurvey& result,
              const std::function<void()>& progress) {
    const std::vector<double> sigma = on_sky(mock.noise_sigma), gamma1 = on_sky(mock.gamma1),
                              gamma2 = on_sky(mock.gamma2);
    const std::vector<double> information = inference::shear_information(sigma);
    const inference::GaussianPosterior gaussian(basis_, shear_, signal_, information);
    const std::vector<double> wiener =
        inference::wiener_map(basis_, gaussian, gamma1, gamma2, {1e-5, 1000}).kappa;
    result.wiener = gathered(wiener);
    if (deepmass_ != nullptr)
      result.deepmass = gathered(deepmass_->evaluate(*sky_, settings_->tile, wiener, sigma).mean);
    const std::vector<double> data = inference::shear_data(gamma1, gamma2),
                              variance = inference::shear_variance(sigma);
    const auto learned = residual(variance);
    posterior::SamplerOptions options = settings_->sampler.options;
    options.lowest_sigma =
        settings_->sampler.lowest_sigma(posterior::smoothed_prior_rms(basis_, spectrum_, 0.0));
    options.sigma =
        posterior::sampling_sigma(*comm_, variance, settings_->sampler.sigma_share, learned.get());
    posterior::Sampler sampler(basis_, closed_, spectrum_, data, variance, learned.get(), options,
                               settings_->seed + (number << 20U));
    sampler.begin(0);
    sampler.burn_in();
    std::vector<posterior::Complex> modes(basis_.mode_count()), expected(modes.size()), mean(modes.size());
    std::vector<double> kappa(basis_.pixel_count());
    for (std::uint64_t s = 0; s < settings_->samples; ++s) {
      sampler.next(modes, expected);
      basis_.synthesis(modes, kappa);
      result.maps.samples.push_back(gathered(kappa));
      for (std::size_t k = 0; k < mean.size(); ++k)
        mean[k] += expected[k] / static_cast<double>(settings_->samples);
      progress();
    }
    basis_.synthesis(mean, kappa);
    result.maps.mean = gathered(kappa);
  }

  const mpi::Communicator* comm_;
  const Settings* settings_;
  CalibrationSurveys* surveys_;
  std::unique_ptr<survey::SurveySky> sky_;
  const harmonic::HarmonicBasis& basis_;
  std::vector<std::size_t> places_;
  std::size_t field_pixels_;
  inference::ShearOperator shear_;
  inference::WholeShearOperator closed_;
  inference::SignalCovariance signal_;
  std::vector<double> spectrum_;
  std::unique_ptr<ScoreModel> score_;
  std::unique_ptr<DeepMassModel> deepmass_;
};

/// The figures of all surveys, by name.
class Table {
 public:
  explicit Table(const posterior::Calibration& calibration)
      : names_(calibration.figure_names()), rows_(&calibration.figures()) {}

  template <class F>
  [[nodiscard]] MeanError of(F f) const {
    std::vector<double> values;
    for (const auto& row : *rows_)
      values.push_back(f([&](const std::string& name) { return row[place(name)]; }));
    return statistics::mean_error(values);
  }
  [[nodiscard]] MeanError operator[](const std::string& name) const {
    return of([&name](const auto& value) { return value(name); });
  }
  [[nodiscard]] MeanError ratio(const char* a, const char* b) const {
    return of([a, b](const auto& value) { return value(a) / value(b); });
  }

 private:
  [[nodiscard]] std::size_t place(const std::string& name) const {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  }
  std::vector<std::string> names_;
  const std::vector<std::vector<double>>* rows_;
};

/// Power of the samples over the truths', by band.
std::vector<double> power_ratio(const posterior::Calibration& calibration,
                                const std::vector<std::vector<double>>& power) {
  std::vector<double> ratio;
  for (std::size_t b = 0; b < calibration.bands().size(); ++b) {
    double truth = 0.0, ours = 0.0;
    for (std::size_t s = 0; s < power.size(); ++s) {
      truth += calibration.truth_power()[s][b];
      ours += power[s][b];
    }
    ratio.push_back(ours / truth);
  }
  return ratio;
}

/// Skewness and peaks.
void report_shapes(const posterior::Calibration& calibration, const Table& table) {
  const auto& [sky, smoothings, levels, ell, power] = calibration.field();
  for (const double arcmin : {0.0, smoothings[0], smoothings[1]}) {
    const std::string scale = arcmin > 0.0 ? fmt::format("_{:g}", arcmin) : "";
    const MeanError truth = table["truth_skewness" + scale], ours = table["sample_skewness" + scale];
    log::info("  skewness at {:g} arcmin: truth {:.3f} +- {:.3f}, samples {:.3f} +- {:.3f}", arcmin,
              truth.mean, truth.error, ours.mean, ours.error);
  }
  for (const double level : levels) {
    const auto of = [&](const char* maps) { return table[fmt::format("{}_peaks_{:g}", maps, level)]; };
    const MeanError truth = of("truth"), ours = of("sample");
    log::info(
        "  peaks above {:g} at {:g} arcmin: truth {:.2f} +- {:.2f}, samples {:.2f} +- {:.2f}, mean map "
        "{:.2f}",
        level, smoothings[0], truth.mean, truth.error, ours.mean, ours.error, of("mean").mean);
  }
}

void report(const posterior::Calibration& calibration, bool deepmass) {
  const Table table(calibration);
  const auto line = [](const char* what, const MeanError& value) {
    log::info("  {:<58} {:.4f} +- {:.4f}", what, value.mean, value.error);
  };
  log::info("{} surveys:", calibration.figures().size());
  line("standard deviation of (truth - mean) / std, observed pixels", table["z_deviation"]);
  line("the same for infinitely many samples", table["z_many"]);
  line("the same where there are no data", table["z_unobserved"]);
  line("root mean square error over root mean variance", table["spread"]);
  line("RMSE of the posterior mean over Wiener's", table.ratio("rmse", "rmse_wiener"));
  if (deepmass) {
    line("RMSE of DeepMass over Wiener's", table.ratio("rmse_deepmass", "rmse_wiener"));
    line("RMSE of the posterior mean over DeepMass's", table.ratio("rmse", "rmse_deepmass"));
  }
  line("rms of samples over the truth's", table.ratio("sample_rms", "truth_rms"));
  report_shapes(calibration, table);
  // Of uniform numbers: 0.5 and 0.2887.
  for (const auto& [name, what] : {std::pair{"tarp_pixels", "pixels"}, {"tarp_smooth", "smoothed maps"}}) {
    const MeanError nearer = table[name];
    log::info("  TARP of {:<13} mean {:.3f} +- {:.3f}, width over uniform {:.3f}", what, nearer.mean,
              nearer.error,
              nearer.error * std::sqrt(12.0 * static_cast<double>(calibration.figures().size())));
  }
  const auto& ell = calibration.bands();
  const std::vector<double> samples = power_ratio(calibration, calibration.sample_power()),
                            mean = power_ratio(calibration, calibration.mean_power());
  for (std::size_t b = 0; b < samples.size(); ++b)
    log::info("  power at ell {:6.0f} over the truth's: samples {:.3f}, mean map {:.3f}", ell[b], samples[b],
              mean[b]);
  for (const auto& [name, counts] : calibration.ranks()) {
    if (name.starts_with("band ")) continue;
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    double middle = 0.0, square = 0.0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(counts.size()) - 0.5;
      middle += counts[i] * place / total;
      square += counts[i] * place * place / total;
    }
    log::info("  ranks of {:<14} mean {:+.4f}, width over uniform {:.4f}", name, middle,
              std::sqrt(12.0 * square));
  }
}

void write(const mpi::Communicator& comm, const config::Values& values,
           const posterior::Calibration& calibration, io::AtomicFile& file, const Pipeline& pipeline,
           const theory::PowerSpectrum& spectrum, StageClock& clock) {
  clock.begin("write");
  const auto names = calibration.figure_names();
  const std::size_t surveys = calibration.figures().size(), bands = calibration.bands().size();
  io::MapWriter writer(comm, file, static_cast<double>(surveys * (names.size() + 3 * bands)), 20);
  writer.create_group("/calibration");
  std::string columns;
  for (const std::string& name : names) columns += (columns.empty() ? "" : " ") + name;
  const auto table = [&](const std::string& name, const std::vector<std::vector<double>>& rows,
                         const std::string& text) {
    std::vector<double> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    writer.write_table("/calibration/" + name, flat, rows[0].size(), {"1", text});
  };
  table("figures", calibration.figures(),
        "figures of every survey, one a row; attribute `columns` names them");
  writer.attribute("/calibration/figures", "columns", columns);
  writer.write_table("/calibration/ell", calibration.bands(), 0, {"radian^-1", "multipoles of the spectra"});
  table("truth_power", calibration.truth_power(), "spectrum of the truth, one survey a row");
  table("sample_power", calibration.sample_power(), "mean spectrum of the samples, one survey a row");
  table("mean_power", calibration.mean_power(), "spectrum of the posterior mean, one survey a row");
  writer.create_group("/calibration/ranks");
  for (const auto& [name, counts] : calibration.ranks()) {
    std::string key = name;
    std::replace(key.begin(), key.end(), ' ', '_');
    writer.write_table("/calibration/ranks/" + key, counts, 0,
                       {"1", "how often so many samples were below the truth: " + name});
  }
  write_provenance(writer, comm, "calibrate", values, &spectrum);
  if (pipeline.score() != nullptr) {
    writer.attribute("/provenance", "score_model", pipeline.score()->path());
    writer.attribute("/provenance", "score_checksum", pipeline.score()->checksum());
  }
  clock.end();
  write_usage(writer, comm, clock);
  writer.commit();
  log::info("wrote {}", file.path());
}

network::CalibrationScore card_score(const posterior::Calibration& calibration, const Settings& settings) {
  const Table table(calibration);
  const MeanError z = table["z_many"], spread = table["spread"], ratio = table.ratio("rmse", "rmse_wiener");
  const std::vector<double> power = power_ratio(calibration, calibration.sample_power());
  const auto [least, most] = std::minmax_element(power.begin(), power.end());
  return {settings.prior.density.low,
          settings.prior.density.high,
          static_cast<double>(calibration.figures().size()),
          static_cast<double>(settings.samples),
          z.mean,
          z.error,
          spread.mean,
          spread.error,
          ratio.mean,
          ratio.error,
          *least,
          *most};
}

/// This group's share of the surveys. A survey whose chain ends in an error is left out and reported: the
/// others are an hour's work. Returns the first of such errors.
std::string run_surveys(Pipeline& pipeline, const Settings& settings, std::uint64_t group,
                        std::uint64_t groups, bool leads, posterior::Calibration& calibration) {
  const std::uint64_t share = (settings.surveys - group + groups - 1) / groups;
  log::Progress progress("surveys", share * settings.samples);
  std::string first;
  for (std::uint64_t number = group; number < settings.surveys; number += groups) {
    try {
      auto survey = pipeline.survey(settings.first + number, [&] { progress.step(); });
      if (leads) calibration.add(number, std::move(survey));
    } catch (const Error& problem) {
      log::info("survey {}: {}", settings.first + number, problem.what());
      if (first.empty()) first = problem.what();
    }
  }
  return first;
}

void run_calibrate(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  const mpi::Communicator alone = comm.split(comm.rank());
  std::optional<io::AtomicFile> card_file;
  mpi::collectively(comm, [&] {
    if (comm.rank() == 0 && !settings.card_out.empty())
      card_file.emplace(alone, settings.card_out, values.flag("overwrite"));
  });
  std::unique_ptr<CalibrationSurveys> surveys;
  mpi::collectively(comm, [&] {
    surveys = calibration_surveys(alone, values, settings.prior, settings.surveys, settings.seed);
  });
  // Ranks share the surveys; only where there are more ranks do several share the tiles of one.
  const auto ranks = static_cast<std::uint64_t>(comm.size()), groups = std::min(ranks, settings.surveys),
             number = static_cast<std::uint64_t>(comm.rank()) * groups / ranks;
  const mpi::Communicator group = comm.split(static_cast<int>(number));
  Pipeline pipeline(group, settings, *surveys);
  posterior::Calibration calibration(surveys->field(), settings.samples, settings.surveys, settings.seed);
  StageClock clock;
  clock.begin("surveys");
  std::string problem;
  mpi::collectively(comm, [&] {
    problem = run_surveys(pipeline, settings, number, groups, group.rank() == 0, calibration);
  });
  calibration.collect(comm);
  if (calibration.figures().empty())
    mpi::collectively(comm, [&] { fail("no survey could be sampled; the first: {}", problem); });
  for (const std::size_t missing : calibration.missing())
    log::info("survey {} is left out: it could not be sampled", settings.first + missing);
  report(calibration, !settings.deepmass.empty());
  write(comm, values, calibration, file, pipeline, surveys->spectrum(), clock);
  mpi::collectively(comm, [&] {
    if (!card_file) return;
    io::MapWriter writer(alone, *card_file, 0.0, 0);
    pipeline.score()->write_calibrated(writer, card_score(calibration, settings));
    writer.commit();
    log::info("wrote {}", card_file->path());
  });
}

}  // namespace

Application calibrate_application() {
  return {calibrate_command(), run_calibrate, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
