#pragma once

#include <memory>
#include <vector>

#include "config/options.hpp"
#include "posterior/calibration_field.hpp"
#include "simulate/mock_survey.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

/// Mock surveys of skies that no training saw, for the command `calibrate`; plane or sphere. Maps are those
/// of the whole field, in the order of field().sky on one rank.
class CalibrationSurveys {
 public:
  CalibrationSurveys() = default;
  CalibrationSurveys(const CalibrationSurveys&) = delete;
  CalibrationSurveys& operator=(const CalibrationSurveys&) = delete;
  CalibrationSurveys(CalibrationSurveys&&) = delete;
  CalibrationSurveys& operator=(CalibrationSurveys&&) = delete;
  virtual ~CalibrationSurveys() = default;

  [[nodiscard]] virtual posterior::CalibrationField field() const = 0;
  [[nodiscard]] virtual const theory::PowerSpectrum& spectrum() const = 0;
  [[nodiscard]] virtual bool pixel_averaged() const = 0;

  struct Mock {
    std::vector<double> truth;
    simulate::MockSurvey survey;
  };
  [[nodiscard]] virtual Mock mock(std::uint64_t number) = 0;
  /// A sky that has nothing to do with the survey.
  [[nodiscard]] virtual std::vector<double> reference(std::uint64_t number) = 0;

  /// The sky on which the ranks of a group sample a survey. comm must outlive it. Collective on comm.
  [[nodiscard]] virtual std::unique_ptr<survey::SurveySky> sky(const mpi::Communicator& comm) const = 0;
  /// Place in the field's maps of each of this rank's pixels of such a sky; beyond_field if it has none.
  [[nodiscard]] virtual std::vector<std::size_t> places(const survey::SurveySky& sky) const = 0;
  static constexpr std::size_t beyond_field = static_cast<std::size_t>(-1);
};

/// Of the command line's --grid. alone: a communicator of this rank, which must outlive the surveys. surveys:
/// how many there are. Not collective beyond alone.
[[nodiscard]] std::unique_ptr<CalibrationSurveys> calibration_surveys(const mpi::Communicator& alone,
                                                                      const config::Values& values,
                                                                      const simulate::SurveyPrior& prior,
                                                                      std::uint64_t surveys,
                                                                      std::uint64_t seed);

}  // namespace tessera::apps
