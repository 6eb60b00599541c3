#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/map_settings.hpp"
#include "apps/stage_clock.hpp"
#include "survey/survey_sky.hpp"

namespace tessera::apps {

/// What `map --dry-run` says of the run without it, from a run with few iterations, draws and samples
/// (MapSettings::shortened) on the same data and ranks.
class Rehearsal {
 public:
  /// Both must outlive this.
  Rehearsal(const MapSettings& whole, const MapSettings& shortened)
      : whole_(&whole), shortened_(&shortened) {}

  /// Tells the forecast. clock: of the shortened run; residuals: its Wiener filter's history, empty without
  /// one; output: bytes of the file that it wrote. Collective.
  void report(const survey::SurveySky& sky, const StageClock& clock, std::span<const double> residuals,
              double output) const;

 private:
  [[nodiscard]] std::vector<StageClock::Stage> forecast(const StageClock& clock,
                                                        std::span<const double> residuals) const;
  /// Samples that the shortened run left out, over all chains.
  [[nodiscard]] double missing_samples() const;
  [[nodiscard]] double missing_output(double stored) const;

  const MapSettings* whole_;
  const MapSettings* shortened_;
};

}  // namespace tessera::apps
