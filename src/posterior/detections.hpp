#pragma once

#include <vector>

#include "survey/survey_sky.hpp"

namespace tessera::posterior {

/// A peak of the posterior mean at a scale.
struct Detection {
  double ra, dec;       // degrees
  std::uint64_t pixel;  // y nx + x on the plane, NESTED on the sphere
  double scale;         // standard deviation of the Gaussian, arcmin
  double kappa;         // posterior mean of the smoothed convergence
  double deviation;     // its standard deviation
  double signal_to_noise;
  double threshold;    // convergence
  double probability;  // that the smoothed convergence exceeds it
};

/// The pixels of a survey whose smoothed mean is above their eight neighbours and exceeds the threshold with
/// at least `least_probability`, where local_peaks looks for them; over all ranks, by falling signal to
/// noise, the same on every rank. Maps: this rank's pixels. Collective.
[[nodiscard]] std::vector<Detection> find_detections(
    const survey::SurveySky& sky, survey::LocalPeaks& local_peaks, const std::vector<double>& mean,
    const std::vector<double>& deviation, const std::vector<double>& probability, double scale_arcmin,
    double threshold, double least_probability);

}  // namespace tessera::posterior
