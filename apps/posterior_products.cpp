#include "apps/posterior_products.hpp"

#include <array>

#include "core/log.hpp"
#include "posterior/detections.hpp"

namespace tessera::apps {
namespace {

constexpr const char* samples_name = "/maps/kappa_posterior_samples";
constexpr std::array quantile_parts{0.025, 0.16, 0.5, 0.84, 0.975};

class PosteriorProducts {
 public:
  PosteriorProducts(const PosteriorPlan& plan, const PosteriorRecord& record, io::MapWriter& writer)
      : plan_(&plan), problem_(&plan.problem()), record_(&record), writer_(&writer) {}

  void write_samples(StageClock& clock) {
    const io::MapShape& shape = problem_->sky().shape();
    const std::size_t count = record_->samples.count();
    writer_->create_stack(samples_name, count, shape,
                          {"1", "convergence, draws from the posterior; the chains one after the other"},
                          io::Precision::float32);
    clock.lap({});
    for (std::size_t s = 0; s < count; ++s) {
      const std::vector<float>& sample = record_->samples.sample(s);
      writer_->write_slice(samples_name, s, shape, std::vector<double>(sample.begin(), sample.end()));
      clock.lap("sample");
    }
  }

  void write_maps() {
    std::vector<double> mean = record_->expected;
    for (double& value : mean) value /= static_cast<double>(record_->samples.count());
    write_map("kappa_posterior", mean,
              "convergence, posterior mean: of what every state of the chains expects of it, of which the "
              "samples' own mean is a noisier estimate");
    if (record_->samples.count() > 1) {
      write_map("kappa_posterior_std", record_->samples.deviation(),
                "standard deviation of the posterior samples");
      write_map("kappa_posterior_skewness", record_->samples.skewness(), "skewness of the posterior samples");
    }
    for (const double part : quantile_parts)
      write_map(fmt::format("kappa_posterior_quantile_{:g}", part), record_->samples.quantile(part),
                fmt::format("quantile {:g} of the posterior samples", part));
  }

  void write_detections() {
    std::vector<double> rows;
    std::string counts;
    survey::LocalPeaks local_peaks(
        problem_->sky(), harmonic::ConstPixels(problem_->variance()).first(plan_->basis().pixel_count()));
    for (std::size_t i = 0; i < plan_->scales().size(); ++i) {
      const PosteriorPlan::Scale& scale = plan_->scales()[i];
      const posterior::ScaleSums& sums = record_->scales[i];
      const std::string name = fmt::format("probability_{:g}arcmin", scale.arcmin);
      write_map(name, problem_->sky().stored(sums.probability()),
                fmt::format("posterior probability that the convergence smoothed by a Gaussian of standard "
                            "deviation {:g} arcmin exceeds {:.4g}",
                            scale.arcmin, scale.threshold));
      writer_->attribute("/maps/" + name, "threshold", scale.threshold);
      const auto found = posterior::find_detections(problem_->sky(), local_peaks, sums.mean(),
                                                    sums.deviation(), sums.probability(), scale.arcmin,
                                                    scale.threshold, plan_->settings().detection_probability);
      for (const posterior::Detection& d : found) {
        // Rows and columns on the plane.
        const std::uint64_t nx = width_of_field(), column = nx > 0 ? d.pixel % nx : d.pixel,
                            row = nx > 0 ? d.pixel / nx : 0;
        const auto x = static_cast<double>(column), y = static_cast<double>(row);
        rows.insert(rows.end(), {d.ra, d.dec, x, y, d.scale, d.kappa, d.deviation, d.signal_to_noise,
                                 d.threshold, d.probability});
      }
      counts += fmt::format("{}{} at {:g} arcmin", counts.empty() ? "" : ", ", found.size(), scale.arcmin);
    }
    log::info("detections above {:g} standard deviations of the prior with a probability of {:g}: {}",
              plan_->settings().threshold, plan_->settings().detection_probability, counts);
    writer_->create_group("/detections");
    const bool plane = width_of_field() > 0;
    const std::array names{"ra",    "dec",       plane ? "x" : "pixel", "y",         "scale_arcmin",
                           "kappa", "kappa_std", "signal_to_noise",     "threshold", "probability"};
    constexpr std::array units{"deg", "deg", "pixel", "pixel", "arcmin", "1", "1", "1", "1", "1"};
    for (std::size_t c = 0; c < names.size(); ++c) {
      if (!plane && names[c] == std::string("y")) continue;
      std::vector<double> column;
      if (plan_->basis().comm().is_root())
        for (std::size_t i = c; i < rows.size(); i += names.size()) column.push_back(rows[i]);
      writer_->write_column(std::string("/detections/") + names[c], column,
                            {units[c], "peaks of the smoothed posterior mean, by scale and falling S/N"});
    }
  }

 private:
  void write_map(const std::string& name, const std::vector<double>& map, const std::string& text) {
    writer_->write_map("/maps/" + name, problem_->sky().shape(), map, {"1", text});
  }

  /// 0 on the sphere, where a pixel is a number.
  [[nodiscard]] std::uint64_t width_of_field() const {
    const io::MapShape& shape = problem_->sky().shape();
    return shape.nside > 0 ? 0 : shape.extent[1];
  }

  const PosteriorPlan* plan_;
  const PosteriorProblem* problem_;
  const PosteriorRecord* record_;
  io::MapWriter* writer_;
};

}  // namespace

std::uint64_t posterior_map_count(const PosteriorSettings& settings) {
  return settings.chains * settings.samples + 3 + quantile_parts.size() + settings.scales.size();
}

void write_posterior_products(const PosteriorPlan& plan, const PosteriorProgress& all, io::MapWriter& writer,
                              StageClock& clock) {
  PosteriorProducts products(plan, all.finished, writer);
  products.write_samples(clock);
  products.write_maps();
  products.write_detections();
  posterior::SamplerOptions used = plan.options();
  used.hmc.step = all.step;
  const posterior::PredictiveTests tests = plan.predictive_tests();
  PosteriorDiagnostics(plan.problem(), tests, plan.layout(), all.finished.series, plan.settings().chains)
      .write(writer, used);
}

}  // namespace tessera::apps
