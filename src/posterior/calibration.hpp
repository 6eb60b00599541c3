#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "posterior/calibration_field.hpp"

namespace tessera::posterior {

/// Maps of a field, all its pixels.
struct CalibrationMaps {
  std::vector<double> truth;
  std::vector<double> mean;       // of the posterior
  std::vector<double> reference;  // a random map, unrelated to the survey
  std::vector<std::vector<double>> samples;
};

/// One mock survey: its truth, mean and samples of its posterior, where it has data, and maps to compare
/// with; deepmass may be empty.
struct CalibrationSurvey {
  CalibrationMaps maps;
  std::vector<double> mask, wiener, deepmass;
};

/// How samples stand to the truths that they are meant for, gathered over surveys whose truths are drawn from
/// the prior of the samples: every quantity of the truth then has a uniform rank among those of the samples
/// (simulation-based calibration, Talts et al. 2018), and as often as not a random reference map is nearer to
/// the truth than to a sample (TARP, Lemos et al. 2023).
class Calibration {
 public:
  /// field: its sky must outlive this. samples: of every survey, 8 or more. seed: for ties.
  Calibration(CalibrationField field, std::size_t samples, std::size_t surveys, std::uint64_t seed);

  [[nodiscard]] const CalibrationField& field() const { return field_; }

  /// number: of the survey, below `surveys`; each is added on one rank.
  void add(std::size_t number, CalibrationSurvey survey);

  /// Brings together what the ranks have; afterwards the results are the same on all of them, in the order of
  /// the surveys. Those that no rank has added are left out. Collective.
  void collect(const mpi::Communicator& comm);
  /// Numbers of the surveys left out.
  [[nodiscard]] const std::vector<std::size_t>& missing() const { return missing_; }

  /// Counts of ranks by quantity, [samples + 1]: pixel, 1 arcmin ..., peak, band ... Of places with data.
  [[nodiscard]] const std::map<std::string, std::vector<double>>& ranks() const { return ranks_; }

  /// Names of the columns of figures().
  [[nodiscard]] std::vector<std::string> figure_names() const;
  /// A row of figures for every survey.
  [[nodiscard]] const std::vector<std::vector<double>>& figures() const { return figures_; }

  /// Multipoles of the bands, and per survey the power of the samples (their mean) and of the samples' mean
  /// map over the truth's.
  [[nodiscard]] const std::vector<double>& bands() const { return field_.ell; }
  [[nodiscard]] const std::vector<std::vector<double>>& sample_power() const { return sample_power_; }
  [[nodiscard]] const std::vector<std::vector<double>>& mean_power() const { return mean_power_; }
  [[nodiscard]] const std::vector<std::vector<double>>& truth_power() const { return truth_power_; }

 private:
  /// Counts where the truth stands among the samples.
  void rank(const std::string& quantity, double truth, const std::vector<double>& samples);
  void rank_at(const std::string& quantity, const CalibrationMaps& maps, std::size_t p);
  void rank_smoothed(const CalibrationMaps& maps, const std::vector<double>& mask, double arcmin);
  void rank_peaks(const CalibrationMaps& maps, const std::vector<double>& mask);
  void count_peaks(const std::vector<double>& smooth, const std::vector<double>& mask, double share,
                   double* counts);
  void compare_power(std::size_t number, const CalibrationMaps& maps, const std::vector<double>& mask);
  void compare_errors(const CalibrationSurvey& survey, std::vector<double>& figures) const;

  [[nodiscard]] const harmonic::HarmonicBasis& basis() const { return field_.sky->basis(); }

  CalibrationField field_;
  survey::LocalPeaks local_peaks_;
  std::size_t samples_;
  std::uint64_t seed_;
  std::optional<RandomStream> ties_;  // of the survey being added
  std::uint64_t tie_ = 0;
  std::vector<std::size_t> missing_;
  std::map<std::string, std::vector<double>> ranks_;
  std::vector<std::vector<double>> figures_, sample_power_, mean_power_, truth_power_;
};

}  // namespace tessera::posterior
