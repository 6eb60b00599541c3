#include "apps/rehearsal.hpp"

#include <algorithm>
#include <cmath>

#include "core/log.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

const StageClock::Part* find_part(const StageClock::Stage& stage, const std::string& name) {
  const auto place = std::find_if(stage.parts.begin(), stage.parts.end(),
                                  [&](const StageClock::Part& part) { return part.name == name; });
  return place == stage.parts.end() ? nullptr : &*place;
}

/// Of one part, in the mean; nothing if it was not seen.
Usage usage_of(const StageClock::Stage& stage, const std::string& name) {
  const StageClock::Part* const part = find_part(stage, name);
  return part == nullptr ? Usage{} : (1.0 / static_cast<double>(part->count)) * part->usage;
}

/// Adds what is missing to a part's wanted number.
void complete(StageClock::Stage& stage, const std::string& name, double wanted) {
  const StageClock::Part* const part = find_part(stage, name);
  if (part != nullptr) stage.usage += (wanted - static_cast<double>(part->count)) * usage_of(stage, name);
}

/// The busiest rank's.
Usage over_ranks(const mpi::Communicator& comm, const Usage& usage) {
  return {comm.max(usage.seconds), comm.max(usage.bytes), comm.max(usage.messages)};
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  return fmt::format("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

/// Iterations that a solver of which the first residuals are known takes to a tolerance: at the mean speed of
/// their second half.
double foreseen_iterations(std::span<const double> residuals, const inference::CgOptions& options) {
  const std::size_t done = residuals.empty() ? 0 : residuals.size() - 1;
  if (done < 2 || residuals.back() <= options.tolerance) {
    // It was reached on the way.
    const auto first = std::find_if(residuals.begin(), residuals.end(),
                                    [&](double residual) { return residual <= options.tolerance; });
    return static_cast<double>(
        std::min<std::ptrdiff_t>(first - residuals.begin(), static_cast<std::ptrdiff_t>(done)));
  }
  const std::size_t half = done / 2;
  const double speed =
      std::log(residuals[half] / residuals[done]) / static_cast<double>(done - half);  // decades of e
  const double most = options.max_iterations;
  if (!(speed > 0.0)) return most;
  return std::min(
      most, static_cast<double>(done) + std::ceil(std::log(residuals[done] / options.tolerance) / speed));
}

}  // namespace

std::vector<StageClock::Stage> Rehearsal::forecast(const StageClock& clock,
                                                   std::span<const double> residuals) const {
  std::vector<StageClock::Stage> stages = clock.stages();
  Usage iteration;
  for (StageClock::Stage& stage : stages) {
    if (stage.name == "wiener" && !residuals.empty()) {  // and not tile by tile
      iteration = usage_of(stage, "iteration");
      const double wanted = foreseen_iterations(residuals, whole_->mean);
      stage.usage += (wanted - static_cast<double>(residuals.size() - 1)) * iteration;
    } else if (stage.name == "wiener samples") {
      complete(stage, "draw", whole_->samples);
      const double wanted = foreseen_iterations(residuals, whole_->draw),
                   done = std::min<double>(wanted, shortened_->draw.max_iterations);
      stage.usage += whole_->samples * (wanted - done) * iteration;
    } else if (stage.name == "posterior maximum") {
      const auto steps =
          static_cast<double>(whole_->points.mode_options.levels * whole_->points.mode_options.iterations);
      complete(stage, "step", steps - 1.0);  // one is the start's
    } else if (stage.name == "posterior samples") {
      const PosteriorSettings& posterior = *whole_->posterior;
      const double chains = posterior.chain ? 1.0 : posterior.chains,
                   burn_in = static_cast<double>(whole_->sampler->options.burn_in);
      complete(stage, "start", chains);
      complete(stage, "trajectory", chains * burn_in);
      complete(stage, "sample", chains * posterior.samples);
    } else if (stage.name == "write posterior") {
      complete(stage, "sample", static_cast<double>(whole_->posterior->chains) * whole_->posterior->samples);
    }
  }
  return stages;
}

double Rehearsal::missing_samples() const {
  if (!whole_->posterior) return 0.0;
  const auto samples = [](const MapSettings& settings) {
    const PosteriorSettings& posterior = *settings.posterior;
    return static_cast<double>(posterior.chain ? 1 : posterior.chains) * posterior.samples;
  };
  return samples(*whole_) - samples(*shortened_);
}

double Rehearsal::missing_output(double stored) const {
  const double draws = whole_->save_samples ? whole_->samples - shortened_->samples : 0.0;
  // A chain's own file keeps double precision, as checkpoints do.
  const bool chain = whole_->posterior && whole_->posterior->chain;
  return stored * ((chain ? sizeof(double) : sizeof(float)) * missing_samples() + sizeof(double) * draws);
}

void Rehearsal::report(const survey::SurveySky& sky, const StageClock& clock,
                       std::span<const double> residuals, double output) const {
  const mpi::Communicator& comm = sky.comm();
  const auto stored = static_cast<double>(sky.stored_pixels());
  log::info("\nthe whole run on {} ranks, foreseen:", comm.size());
  log::info("  {:<24}{:>12}{:>16}{:>12}", "", "time, s", "sent, MB", "messages");
  Usage sum;
  const auto line = [](const std::string& name, const Usage& usage) {
    log::info("  {:<24}{:>12.2f}{:>16.2f}{:>12.0f}", name, usage.seconds, usage.bytes * 1e-6, usage.messages);
  };
  for (const StageClock::Stage& stage : forecast(clock, residuals)) {
    const Usage usage = over_ranks(comm, stage.usage);
    sum += usage;
    line(stage.name, usage);
  }
  line("in all", sum);
  const double memory =
                   comm.max(mpi::peak_memory()) + sizeof(float) * missing_samples() * stored / comm.size(),
               room = comm.min(mpi::available_memory(comm.ranks_on_node()));
  log::info("{}", sum.messages > 0.0 || comm.size() == 1
                      ? "time and what is sent to other ranks: of the busiest rank"
                      : "time: of the busiest rank; this build does not count messages");
  log::info("memory of a rank: {:.3f} GB at its peak; {:.3f} GB are left for each now", memory * 1e-9,
            room * 1e-9);
  log::info("output: {:.2f} MB", (output + missing_output(stored)) * 1e-6);
  if (whole_->posterior) {
    const PosteriorSettings& posterior = *whole_->posterior;
    const double samples = (posterior.chain ? 1.0 : posterior.chains) * posterior.samples,
                 bytes = posterior_checkpoint_bytes(sky.basis(), stored, samples, posterior.scales.size());
    log::info("checkpoint: up to {:.2f} MB", bytes * 1e-6);
  }
  constexpr double margin = 1.3, start_up = 10.0;
  log::info("with 30 % to spare, for Slurm: --time={} --mem-per-cpu={:.0f}M (one core a rank)",
            clock_time(margin * sum.seconds + start_up), std::ceil(margin * memory / 1048576.0));
}

}  // namespace tessera::apps
