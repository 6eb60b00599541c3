#include "apps/posterior_chains.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "core/error.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

using posterior::Complex;

constexpr const char* checkpoint_suffix = ".checkpoint";

io::Checkpoints checkpoints_of(const PosteriorPlan& plan, const std::string& path) {
  return {plan.basis().comm(), path + checkpoint_suffix, posterior_head(plan.identity())};
}

/// All samples are held until the maps are written.
void require_memory_of_samples(const PosteriorPlan& plan, std::uint32_t chains) {
  const std::uint32_t samples = plan.settings().samples;
  const double values =
      static_cast<double>(chains) * samples * static_cast<double>(plan.no_samples().samples.pixels());
  mpi::require_memory(plan.basis().comm(), sizeof(float) * values,
                      fmt::format("holding {} chains of {} samples", chains, samples));
}

class ChainSampler {
 public:
  ChainSampler(const PosteriorPlan& plan, std::uint32_t first, std::uint32_t end, const std::string& path,
               StageClock& clock)
      : plan_(&plan),
        clock_(&clock),
        basis_(&plan.basis()),
        first_(first),
        end_(end),
        checkpoints_(checkpoints_of(plan, path)),
        whole_(*basis_),
        tests_(plan.predictive_tests()),
        sampler_(*basis_, whole_, plan.problem().spectrum(), plan.problem().data(), plan.problem().variance(),
                 plan.problem().residual(), plan.options(), plan.settings().seed),
        progress_(plan.beginning(first)) {
    for (const PosteriorPlan::Scale& scale : plan.scales())
      scales_.emplace_back(*basis_, scale.radians, scale.threshold);
    if (plan.settings().resume)
      go_on();
    else
      checkpoints_.require_none(plan.settings().overwrite);
    progress_.step = sampler_.step();
  }

  PosteriorProgress run() {
    const std::uint32_t samples = plan_->settings().samples;
    log::info("posterior: {} chains of {} samples; noise counted to the field {:.4f} in a pixel",
              end_ - first_, samples, plan_->options().sigma);
    const std::uint64_t steps = plan_->options().burn_in + samples * sampler_.steps_per_sample();
    log::Progress bar("posterior samples", (end_ - first_) * steps);
    const auto step = [&] { bar.step(note_); };
    last_checkpoint_ = Clock::now();
    while (progress_.chain < end_) {
      begin_chain(step);
      while (progress_.current.samples.count() < samples) next_sample(step);
      progress_.finished.append(std::exchange(progress_.current, plan_->no_samples()));
      ++progress_.chain;
      progress_.state = {};
    }
    return std::move(progress_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void go_on() {
    const std::string path = checkpoints_.resume([&](const std::string& name) {
      PosteriorProgress stored = plan_->beginning(first_);
      read_posterior_checkpoint(*basis_, name, plan_->shape(), stored);
      if (stored.chain < first_ || stored.chain >= end_)
        fail("'{}' is of chain {}, which this run does not sample", name, stored.chain);
      progress_ = std::move(stored);
    });
    if (!path.empty()) log::info("going on after {}, from {}", done(), path);
  }

  [[nodiscard]] std::size_t made() const {
    return progress_.finished.samples.count() + progress_.current.samples.count();
  }
  /// For people.
  [[nodiscard]] std::string done() const {
    const std::uint64_t burn_in = plan_->options().burn_in;
    if (progress_.state && progress_.state->samples == 0)
      return fmt::format("{} of {} samples and {} of {} trajectories of a burn-in", made(), wanted(),
                         progress_.state->burn_in, burn_in);
    return fmt::format("{} of {} samples", made(), wanted());
  }
  [[nodiscard]] std::size_t wanted() const {
    return static_cast<std::size_t>(end_ - first_) * plan_->settings().samples;
  }

  template <class Step>
  void begin_chain(const Step& step) {
    clock_->lap({});
    if (progress_.state) {
      sampler_.resume(progress_.chain, *std::exchange(progress_.state, {}));
      clock_->lap({});
    } else {
      sampler_.begin(progress_.chain);
      clock_->lap("start");
    }
    sampler_.burn_in([&] {
      clock_->lap("trajectory");
      step();
      save_if_wanted();
      clock_->lap({});
    });
  }

  template <class Step>
  void next_sample(const Step& step) {
    std::vector<Complex> kappa(basis_->mode_count()), expected(basis_->mode_count());
    sampler_.next(kappa, expected, step);
    add(kappa);
    add_expected(expected);
    clock_->lap("sample");
    save_if_wanted();
    clock_->lap({});
  }

  void add(posterior::ConstModes kappa) {
    std::vector<double> map(basis_->pixel_count());
    basis_->synthesis(kappa, map);
    PosteriorRecord& record = progress_.current;
    record.samples.add(plan_->problem().sky().stored(map));
    for (std::size_t i = 0; i < scales_.size(); ++i) scales_[i].add(kappa, record.scales[i]);
    record.series.push_back(figures(kappa, map));
  }

  /// The sample's row of PosteriorDiagnostics.
  std::vector<double> figures(posterior::ConstModes kappa, const std::vector<double>& map) {
    const SeriesLayout& layout = plan_->layout();
    const posterior::PredictiveTests::Result tests = tests_(kappa);
    std::vector<double> row(layout.columns());
    row[SeriesLayout::chi2()] = tests.chi2;
    const std::vector<double> power = posterior::band_sums(*basis_, kappa, tests_.edges());
    for (std::size_t b = 0; b < layout.bands; ++b) {
      row[SeriesLayout::power() + b] = std::log(power[b]);
      row[layout.e_residual() + b] = tests.e_power[b];
      row[layout.b_residual() + b] = tests.b_power[b];
    }
    const std::vector<double> pixels = plan_->problem().sky().watched(map);
    std::copy(pixels.begin(), pixels.end(), row.begin() + static_cast<std::ptrdiff_t>(layout.pixel()));
    const posterior::HmcCounts& counts = sampler_.sample_counts();
    const std::array<double, SeriesLayout::count_columns> counted{static_cast<double>(counts.trajectories),
                                                                  static_cast<double>(counts.accepted),
                                                                  static_cast<double>(counts.energies),
                                                                  counts.energy_error,
                                                                  counts.energy_error_square,
                                                                  static_cast<double>(counts.scores)};
    std::copy(counted.begin(), counted.end(), row.begin() + static_cast<std::ptrdiff_t>(layout.counts()));
    note_ = fmt::format("sample {} of {}, chi^2 {:.4f} per datum", made(), wanted(),
                        tests.chi2 / tests_.degrees_of_freedom());
    return row;
  }

  void add_expected(posterior::ConstModes expected) {
    std::vector<double> map(basis_->pixel_count());
    basis_->synthesis(expected, map);
    const std::vector<double> field = plan_->problem().sky().stored(map);
    for (std::size_t p = 0; p < field.size(); ++p) progress_.current.expected[p] += field[p];
  }

  void save_if_wanted() {
    const double minutes =
        std::chrono::duration<double, std::ratio<60>>(Clock::now() - last_checkpoint_).count();
    const int timely = minutes >= plan_->settings().checkpoint_minutes ? 1 : 0;
    const mpi::Requests asked = mpi::agreed_requests(basis_->comm());
    if (basis_->comm().max(timely) == 0 && !asked.checkpoint && !asked.end) return;
    progress_.state = sampler_.state();
    const bool saved = checkpoints_.save([&](io::AtomicFile& file) {
      write_posterior_checkpoint(*basis_, file, plan_->identity(), progress_);
    });
    last_checkpoint_ = Clock::now();
    if (saved) log::info("checkpoint {} after {}", checkpoints_.path(), done());
    if (asked.end) checkpoints_.end(saved, done());
  }

  const PosteriorPlan* plan_;
  StageClock* clock_;
  const harmonic::HarmonicBasis* basis_;
  std::uint32_t first_, end_;
  io::Checkpoints checkpoints_;
  inference::WholeShearOperator whole_;
  posterior::PredictiveTests tests_;
  posterior::Sampler sampler_;
  std::vector<posterior::ScaleSignificance> scales_;
  PosteriorProgress progress_;
  std::string note_;
  Clock::time_point last_checkpoint_;
};

/// The record of a chain's file.
PosteriorProgress read_chain(const PosteriorPlan& plan, std::uint32_t number) {
  const std::string path = chain_file(plan.settings().out, number);
  if (!io::exists(plan.basis().comm(), path))
    fail("chain {} is missing: there is no '{}'; make it by 'tessera map' with --chain {}", number, path,
         number);
  io::require_checkpoint(plan.basis().comm(), path, posterior_head(plan.identity()));
  PosteriorProgress chain = plan.beginning(number);
  read_posterior_checkpoint(plan.basis(), path, plan.shape(), chain);
  if (chain.chain != number + 1 || chain.finished.samples.count() != plan.settings().samples)
    fail("'{}' is not chain {} with its {} samples; make it again by 'tessera map' with --chain {}", path,
         number, plan.settings().samples, number);
  return chain;
}

}  // namespace

PosteriorProgress sample_chains(const PosteriorPlan& plan, std::uint32_t first, std::uint32_t end,
                                const std::string& path, StageClock& clock) {
  require_memory_of_samples(plan, end - first);
  return ChainSampler(plan, first, end, path, clock).run();
}

PosteriorProgress gather_chains(const PosteriorPlan& plan) {
  require_memory_of_samples(plan, plan.settings().chains);
  PosteriorProgress all = plan.beginning(0);
  for (; all.chain < plan.settings().chains; ++all.chain) {
    PosteriorProgress chain = read_chain(plan, all.chain);
    all.step = chain.step;
    all.finished.append(std::move(chain.finished));
  }
  log::info("gathered {} chains of {} samples", plan.settings().chains, plan.settings().samples);
  return all;
}

void remove_checkpoints(const mpi::Communicator& comm, const std::string& path) {
  io::Checkpoints(comm, path + checkpoint_suffix, {}).remove();
}

}  // namespace tessera::apps
