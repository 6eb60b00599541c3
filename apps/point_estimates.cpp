#include "apps/point_estimates.hpp"

#include <algorithm>
#include <cmath>

#include "core/log.hpp"
#include "harmonic/plane_basis.hpp"
#include "posterior/sampler.hpp"

namespace tessera::apps {
namespace {

void write_kappa(const PosteriorProblem& problem, const std::vector<posterior::Complex>& modes,
                 const std::string& name, const std::string& text, io::MapWriter& writer) {
  std::vector<double> kappa(problem.basis().pixel_count());
  problem.basis().synthesis(modes, kappa);
  writer.write_map("/maps/" + name, problem.sky().shape(), problem.sky().stored(kappa), {"1", text});
}

void write_mode(const PosteriorProblem& problem, const PointSettings& settings, double sigma_share,
                io::MapWriter& writer, StageClock& clock) {
  clock.begin("posterior maximum");
  posterior::ModeOptions options = settings.mode_options;
  options.sigma =
      posterior::sampling_sigma(problem.basis().comm(), problem.variance(), sigma_share, problem.residual());
  if (problem.residual() != nullptr)
    options.lowest_sigma = std::max(options.lowest_sigma, problem.residual()->lowest_sigma());
  const inference::WholeShearOperator whole(problem.basis());
  log::Progress progress("posterior maximum", options.levels * options.iterations);
  double last = 0.0;
  const auto modes =
      posterior::posterior_mode(problem.basis(), whole, problem.spectrum(), problem.data(),
                                problem.variance(), problem.residual(), options, [&](double step) {
                                  clock.lap(last == 0.0 ? "start" : "step");
                                  last = step;
                                  progress.step();
                                });
  write_kappa(problem, modes, "kappa_map", "convergence, maximum of the posterior (MAP)", writer);
  writer.create_group("/diagnostics/map");
  writer.attribute("/diagnostics/map", "sigma", options.sigma);
  writer.attribute("/diagnostics/map", "lowest_sigma", options.lowest_sigma);
  writer.attribute("/diagnostics/map", "last_relative_step", last);
  log::info("maximum of the posterior: last step {:.1e} of the state", last);
}

void write_sparse(const PosteriorProblem& problem, const PointSettings& settings, const std::string& name,
                  const std::string& text, posterior::SparsePrior& prior, io::MapWriter& writer,
                  StageClock& clock) {
  clock.begin(name);
  const inference::ShearOperator shear(problem.basis());
  std::vector<posterior::Complex> modes(problem.basis().mode_count());
  posterior::SparseReport report;
  {
    log::Progress progress(name, 1);
    const double decades = -std::log(settings.sparse.tolerance);
    report = posterior::sparse_estimate(
        problem.basis().comm(), problem.basis(), shear, problem.data(), problem.variance(), prior,
        settings.sparse, modes, [&](double change) {
          progress.set(std::min(1.0, -std::log(change) / decades), fmt::format("change {:.1e}", change));
        });
  }
  write_kappa(problem, modes, "kappa_" + name, text, writer);
  const std::string group = "/diagnostics/" + name;
  writer.create_group(group);
  writer.attribute(group, "iterations", static_cast<std::int64_t>(report.iterations));
  writer.attribute(group, "converged", static_cast<std::int64_t>(report.converged));
  writer.attribute(group, "objective", report.objective);
  log::info("{}: {} iterations, last change {:.1e}", name, report.iterations, report.change);
  if (!report.converged)
    log::warn("the {} map did not reach the tolerance {:.1e}; raise --sparse-iterations", name,
              settings.sparse.tolerance);
}

}  // namespace

std::vector<config::Option> point_options() {
  return {
      {"map-levels", "N", "map: noise levels that the maximum is followed through", "12"},
      {"map-iterations", "N", "map: steps of ascent at each", "6"},
      {"starlet-scales", "N", "starlet: wavelet scales, of 1, 2, 4 ... pixels; the rest is free", "6"},
      {"sparsity", "F",
       "starlet, tv: weight of the penalty over the usual one (a share of a Laplace distribution's with the "
       "spectrum's variance)",
       "1"},
      {"sparse-tolerance", "T", "starlet, tv: stop when an iteration changes the map by less, relatively",
       "1e-4"},
      {"sparse-iterations", "N", "starlet, tv: give up after N iterations", "1000"}};
}

void PointSettings::read(const config::Values& values) {
  mode_options.levels = values.count("map-levels", 2, 1000);
  mode_options.iterations = values.count("map-iterations", 1, 100000);
  scales = values.count("starlet-scales", 1, 20);
  strength = values.number("sparsity", 1e-6, 1e6);
  sparse.tolerance = values.number("sparse-tolerance", 1e-12, 0.5);
  sparse.max_iterations = static_cast<int>(values.count("sparse-iterations", 1, 10000000));
}

void write_point_estimates(const PosteriorProblem& problem, const PointSettings& settings, double sigma_share,
                           io::MapWriter& writer, StageClock& clock) {
  if (settings.mode) write_mode(problem, settings, sigma_share, writer, clock);
  if (settings.starlet) {
    posterior::StarletPrior prior(problem.basis(), problem.spectrum(), settings.scales, settings.strength);
    write_sparse(problem, settings, "starlet",
                 "convergence, maximum of the posterior under an l1 prior on wavelet coefficients (starlet)",
                 prior, writer, clock);
  }
  if (settings.total_variation) {
    // MapSettings asks for it on the plane alone.
    const auto& plane = dynamic_cast<const harmonic::PlaneBasis&>(problem.basis());
    posterior::TotalVariationPrior prior(plane, problem.spectrum(), settings.strength);
    write_sparse(problem, settings, "tv",
                 "convergence, maximum of the posterior under a total-variation prior", prior, writer, clock);
  }
}

}  // namespace tessera::apps
