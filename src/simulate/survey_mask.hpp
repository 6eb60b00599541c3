#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sky/plane_grid.hpp"

namespace tessera::simulate {

/// Which directions a mock survey observes.
class SurveyMask {
 public:
  SurveyMask() = default;
  SurveyMask(const SurveyMask&) = delete;
  SurveyMask& operator=(const SurveyMask&) = delete;
  SurveyMask(SurveyMask&&) = delete;
  SurveyMask& operator=(SurveyMask&&) = delete;
  virtual ~SurveyMask() = default;

  /// position: on the field's grid, in pixels.
  [[nodiscard]] virtual bool observes(PixelPosition position) const = 0;
};

/// The whole field.
[[nodiscard]] std::unique_ptr<SurveyMask> full_mask();

/// A map [ny][nx] of the field, observed where it is above one half.
[[nodiscard]] std::unique_ptr<SurveyMask> map_mask(const PlaneGrid& field, std::vector<double> map);

/// The whole field but for holes around bright stars, as in cosmos_like_mask.
[[nodiscard]] std::unique_ptr<SurveyMask> starry_mask(const PlaneGrid& field, std::uint64_t seed);

/// After the HST/ACS mosaic of the COSMOS field: 5 x 5 blocks of pointings, turned by about 10 degrees each,
/// so that the outline is a staircase, over three quarters of the field's width; one pointing is missing, and
/// bright stars punch holes whose number grows with the area and whose radii, 0.2 to 2 arcmin, fall as a
/// power law.
[[nodiscard]] std::unique_ptr<SurveyMask> cosmos_like_mask(const PlaneGrid& field, std::uint64_t seed);

}  // namespace tessera::simulate
