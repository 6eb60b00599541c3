#include "apps/posterior_plan.hpp"

#include <set>

#include "apps/input_files.hpp"
#include "core/error.hpp"

namespace tessera::apps {

PosteriorSettings::PosteriorSettings(const config::Values& values, std::uint32_t samples_of_a_chain)
    : chains(static_cast<std::uint32_t>(values.count("chains", 1, 10000))),
      samples(samples_of_a_chain),
      scales{1.0, 2.0, 4.0},
      threshold(values.number("threshold", -100.0, 100.0)),
      detection_probability(values.number("detection-probability", 0.0, 1.0)),
      checkpoint_minutes(values.number("checkpoint-minutes", 0.0, 1e6)),
      resume(values.flag("resume")),
      overwrite(values.flag("overwrite")),
      out(values.text("out")),
      seed(values.count("seed", 0, UINT64_MAX)) {
  if (values.has("chain")) chain = static_cast<std::uint32_t>(values.count("chain", 0, chains - 1));
  if (values.text_or("grid", "plane") == "healpix") scales = {10.0, 20.0, 40.0};
  if (values.has("scales-arcmin")) scales = values.numbers("scales-arcmin");
  for (const double scale : scales)
    if (!(scale > 0.0 && scale < 600.0))
      fail("--scales-arcmin has the entry {}; scales above 0 and below 600 arcmin are expected", scale);
  std::set<std::string> names;  // as maps have them
  for (const double scale : scales)
    if (!names.insert(fmt::format("{:g}", scale)).second)
      fail("--scales-arcmin has the entry {} twice; give every scale once", scale);
  if (samples < 1) fail("--samples 0 leaves the posterior without samples; give at least 1");
  config::Values same = values;
  for (const char* const name : {"chain", "resume", "overwrite", "dry-run", "ring-blocks"}) same.erase(name);
  configuration = same.resolved();
  for (const char* const name : {"out", "checkpoint-minutes", "quiet", "verbose", "tile", "model", "methods"})
    same.erase(name);
  identity = same.resolved() + contents_of_inputs(same);
}

PosteriorPlan::PosteriorPlan(const PosteriorProblem& problem, const PosteriorSettings& settings,
                             const SamplerSettings& sampler)
    : problem_(&problem),
      settings_(&settings),
      options_(sampler.options),
      layout_{problem.sky().band_edges().size() - 1, survey::SurveySky::watched_places},
      stored_(problem.sky().stored(std::vector<double>(basis().pixel_count())).size()) {
  const auto prior_rms = [&](double radians) {
    return posterior::smoothed_prior_rms(basis(), problem.spectrum(), radians);
  };
  options_.lowest_sigma = sampler.lowest_sigma(prior_rms(0.0));
  options_.sigma =
      posterior::sampling_sigma(basis().comm(), problem.variance(), sampler.sigma_share, problem.residual());
  for (const double arcmin : settings.scales) {
    const double radians = arcmin * radians_per_arcmin;
    scales_.push_back({arcmin, radians, settings.threshold * prior_rms(radians)});
  }
  const std::uint64_t blocks = problem.sky().ring_blocks();
  const std::string order = blocks > 0 ? fmt::format("ring-blocks = {}\n", blocks) : "";
  identity_ = {settings.identity +
                   fmt::format("data = {:.17g}\nmodel = {}\n", problem.fingerprint(),
                               problem.model() != nullptr ? problem.model()->checksum() : "none") +
                   order,
               settings.configuration + order};
}

PosteriorShape PosteriorPlan::shape() const {
  const auto components = inference::WholeShearOperator(basis()).components();
  return {settings_->chains, settings_->samples, static_cast<std::uint32_t>(components), layout_.columns()};
}

posterior::PredictiveTests PosteriorPlan::predictive_tests() const {
  return {basis(), problem_->data(), problem_->variance(), problem_->sky().band_edges()};
}

PosteriorRecord PosteriorPlan::no_samples() const { return {stored_, basis().pixel_count(), scales_.size()}; }

PosteriorProgress PosteriorPlan::beginning(std::uint32_t chain) const {
  return {chain, 0.0, {}, no_samples(), no_samples()};
}

}  // namespace tessera::apps
