#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "statistics/map_spectrum.hpp"

namespace tessera::posterior {

/// Maps [ny][nx] of a field.
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
  /// field: a basis of one rank on the field, taken as periodic where maps are smoothed; must outlive this.
  /// samples: of every survey, 8 or more. seed: for ties.
  Calibration(const harmonic::PlaneBasis& field, std::size_t samples, std::size_t surveys,
              std::uint64_t seed);

  /// number: of the survey, below `surveys`; each is added on one rank.
  void add(std::size_t number, CalibrationSurvey survey);

  /// Brings together what the ranks have; afterwards the results are the same on all of them, in the order of
  /// the surveys. Those that no rank has added are left out. Collective.
  void collect(const mpi::Communicator& comm);
  /// Numbers of the surveys left out.
  [[nodiscard]] const std::vector<std::size_t>& missing() const { return missing_; }

  /// Counts of ranks by quantity, [samples + 1]: pixel, 1 arcmin ..., peak, band ...
  [[nodiscard]] const std::map<std::string, std::vector<double>>& ranks() const { return ranks_; }

  /// Names of the columns of figures().
  [[nodiscard]] static std::vector<std::string> figure_names();
  /// A row of figures for every survey.
  [[nodiscard]] const std::vector<std::vector<double>>& figures() const { return figures_; }

  /// Multipoles of the bands, and per survey the power of the samples (their mean) and of the samples' mean
  /// map over the truth's.
  [[nodiscard]] const std::vector<double>& bands() const { return spectrum_.ell(); }
  [[nodiscard]] const std::vector<std::vector<double>>& sample_power() const { return sample_power_; }
  [[nodiscard]] const std::vector<std::vector<double>>& mean_power() const { return mean_power_; }
  [[nodiscard]] const std::vector<std::vector<double>>& truth_power() const { return truth_power_; }

 private:
  /// Counts where the truth stands among the samples.
  void rank(const std::string& quantity, double truth, const std::vector<double>& samples);
  void rank_at(const std::string& quantity, const CalibrationMaps& maps, std::size_t p);
  void rank_smoothed(const CalibrationMaps& maps, double arcmin);
  void rank_peaks(const CalibrationMaps& maps, const std::vector<double>& mask);
  void compare_power(std::size_t number, const CalibrationMaps& maps);
  void compare_errors(const CalibrationSurvey& survey, std::vector<double>& figures) const;

  const harmonic::PlaneBasis* field_;
  std::size_t samples_;
  statistics::MapSpectrum spectrum_;
  std::uint64_t seed_;
  std::optional<RandomStream> ties_;  // of the survey being added
  std::uint64_t tie_ = 0;
  std::vector<std::size_t> missing_;
  std::map<std::string, std::vector<double>> ranks_;
  std::vector<std::vector<double>> figures_, sample_power_, mean_power_, truth_power_;
};

}  // namespace tessera::posterior
