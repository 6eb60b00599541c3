#include "apps/posterior_diagnostics.hpp"

#include <algorithm>
#include <cmath>

#include "core/log.hpp"

namespace tessera::apps {
namespace {

constexpr const char* diagnostics = "/diagnostics/posterior";

/// Counts of a sample, in the order of their columns.
enum Count : std::size_t {
  trajectory_count,
  accepted_count,
  energy_count,
  energy_error,
  energy_error_square,
  score_count
};

}  // namespace

PosteriorDiagnostics::PosteriorDiagnostics(const PosteriorProblem& problem,
                                           const posterior::PredictiveTests& tests,
                                           const SeriesLayout& layout,
                                           const std::vector<std::vector<double>>& rows, std::size_t chains)
    : problem_(&problem),
      tests_(&tests),
      layout_(layout),
      rows_(&rows),
      chains_(chains),
      samples_(rows.size() / chains) {}

void PosteriorDiagnostics::write(io::MapWriter& writer, const posterior::SamplerOptions& options) const {
  write_sampler(writer, options);
  write_mixing(writer);
  write_predictive(writer);
}

posterior::ChainSeries PosteriorDiagnostics::series(std::size_t column) const {
  posterior::ChainSeries chains(chains_);
  for (std::size_t i = 0; i < rows_->size(); ++i) chains[i / samples_].push_back((*rows_)[i][column]);
  return chains;
}

double PosteriorDiagnostics::total_of(std::size_t count) const {
  return mean_of_column(layout_.counts() + count) * static_cast<double>(rows_->size());
}

double PosteriorDiagnostics::mean_of_column(std::size_t column) const {
  double sum = 0.0;
  for (const auto& row : *rows_) sum += row[column] / static_cast<double>(rows_->size());
  return sum;
}

void PosteriorDiagnostics::write_sampler(io::MapWriter& writer,
                                         const posterior::SamplerOptions& options) const {
  writer.create_group(diagnostics);
  const auto number = [&](const char* name, double value) { writer.attribute(diagnostics, name, value); };
  const double trajectories = total_of(trajectory_count),
               mean_error = total_of(energy_error) / total_of(energy_count);
  number("chains", static_cast<double>(chains_));
  number("samples_per_chain", static_cast<double>(samples_));
  number("sigma", options.sigma);
  number("step", options.hmc.step);
  number("persistence", options.hmc.persistence);
  number("leapfrogs", static_cast<double>(options.hmc.leapfrogs));
  number("metropolis", options.hmc.metropolis ? 1.0 : 0.0);
  number("acceptance", total_of(accepted_count) / trajectories);
  number("energy_error_mean", mean_error);
  number("energy_error_deviation",
         std::sqrt(std::max(total_of(energy_error_square) / total_of(energy_count) - mean_error * mean_error,
                            0.0)));
  number("score_evaluations", std::round(total_of(score_count)));
  if (problem_->model() != nullptr) {
    writer.attribute(diagnostics, "model", problem_->model()->path());
    writer.attribute(diagnostics, "checksum", problem_->model()->checksum());
    writer.attribute(diagnostics, "card", problem_->model()->card());
  }
  writer.write_table(std::string(diagnostics) + "/ell_edges", tests_->edges(), 0,
                     {"radian^-1", "edges of the bands of multipoles"});
}

void PosteriorDiagnostics::write_mixing(io::MapWriter& writer) const {
  std::vector<double> r_hat, effective;
  const auto watch = [&](std::size_t first, std::size_t count) {
    for (std::size_t c = first; c < first + count; ++c) {
      r_hat.push_back(posterior::split_r_hat(series(c)));
      effective.push_back(posterior::effective_samples(series(c)));
    }
  };
  watch(SeriesLayout::power(), layout_.bands);
  watch(layout_.pixel(), layout_.pixels);
  const std::string text = "of the logarithm of the power in each band, then of the chosen pixels";
  writer.write_table(std::string(diagnostics) + "/r_hat", r_hat, 0, {"1", "split R-hat " + text});
  writer.write_table(std::string(diagnostics) + "/effective_samples", effective, 0,
                     {"1", "effective sample size " + text});
  // Independent samples exceed this in a thousandth of the cases: F(3, many) < 7.
  const double half = std::max(1.0, std::floor(static_cast<double>(samples_) / 2.0));
  const double limit = std::max(1.05, std::sqrt(1.0 + 6.0 / half));
  const double worst = *std::max_element(r_hat.begin(), r_hat.end());
  const double least = *std::min_element(effective.begin(), effective.end());
  const bool known = samples_ >= 4;
  const bool converged = known && worst < limit;
  writer.attribute(diagnostics, "converged", static_cast<std::int64_t>(converged));
  writer.attribute(diagnostics, "r_hat_worst", worst);
  std::nth_element(effective.begin(), effective.begin() + static_cast<std::ptrdiff_t>(effective.size() / 2),
                   effective.end());
  const double typical = effective[effective.size() / 2];
  writer.attribute(diagnostics, "score_evaluations_per_effective_sample", total_of(score_count) / typical);
  writer.attribute(diagnostics, "r_hat_limit", limit);
  if (!known)
    log::warn("{} samples a chain cannot show whether the chains converged; take at least 4", samples_);
  else if (!converged)
    log::warn(
        "the posterior did not converge: R-hat is {:.2f} where {:.2f} is expected; raise --burn-in and "
        "--trajectories",
        worst, limit);
  else
    log::info(
        "chains: R-hat at most {:.2f} (limit {:.2f}); of {} samples at least {:.0f} count as independent, "
        "{:.0f} in the median",
        worst, limit, rows_->size(), least, typical);
}

void PosteriorDiagnostics::write_predictive(io::MapWriter& writer) const {
  const double dof = tests_->degrees_of_freedom(), chi2 = mean_of_column(SeriesLayout::chi2());
  double exceeded = 0.0;
  for (const auto& row : *rows_)
    exceeded += posterior::chi2_exceeded(row[SeriesLayout::chi2()], dof) / static_cast<double>(rows_->size());
  const auto number = [&](const char* name, double value) { writer.attribute(diagnostics, name, value); };
  number("chi2_mean", chi2);
  number("chi2_degrees_of_freedom", dof);
  number("chi2_predictive_p", exceeded);
  std::vector<double> bands;
  for (std::size_t b = 0; b < layout_.bands; ++b)
    bands.insert(bands.end(), {mean_of_column(layout_.e_residual() + b),
                               mean_of_column(layout_.b_residual() + b), tests_->expected_scatter()[b]});
  writer.write_table(
      std::string(diagnostics) + "/residual_power", bands, 3,
      {"1",
       "of the bands: power of the residual over its noise in the E and B mode, over that of white "
       "noise; and the scatter of one band of white noise"});
  log::info(
      "data against samples: chi^2 = {:.0f} for {:.0f} data, exceeded by noise with a probability of "
      "{:.2f}",
      chi2, dof, exceeded);
  // Noise is seldom known to better than a hundredth.
  if ((exceeded < 1e-3 || exceeded > 1.0 - 1e-3) && std::abs(chi2 / dof - 1.0) > 0.02)
    log::warn(
        "the samples do not leave the noise that the data should have: chi^2 is {:.4f} per datum; check "
        "sigma_e, the "
        "weights and the spectrum",
        chi2 / dof);
}

}  // namespace tessera::apps
