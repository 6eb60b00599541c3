#pragma once

#include <array>
#include <functional>
#include <vector>

#include "survey/survey_sky.hpp"

namespace tessera::posterior {

/// The field that mock surveys are of, of one rank, and at what scales calibration looks at its maps.
struct CalibrationField {
  const survey::SurveySky* sky;  // on the plane the field alone, taken as periodic where maps are smoothed
  std::array<double, 3> smoothings;   // standard deviations of Gaussians, arcmin, rising
  std::array<double, 4> peak_levels;  // convergence smoothed by the first
  std::vector<double> ell;            // of the spectrum's bands
  /// Power of a map in these bands. mask: 1 where there are data.
  std::function<std::vector<double>(harmonic::ConstPixels map, harmonic::ConstPixels mask)> power;
};

/// Arcminute scales; the spectrum is that of the whole field.
[[nodiscard]] CalibrationField plane_calibration_field(const survey::SurveySky& sky);

/// Scales of 10 to 40 arcmin; the spectrum is that of the map inside the mask, over the mask's share of the
/// sky (a pseudo-spectrum: the mask mixes multipoles of truths and samples alike).
[[nodiscard]] CalibrationField sphere_calibration_field(const survey::SurveySky& sky);

}  // namespace tessera::posterior
