#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "theory/power_spectrum.hpp"

namespace tessera::network {

/// Maps that a score network is given.
inline constexpr std::size_t score_inputs = 2;

/// A network's scores on held-out skies with surveys of one depth: means over surveys and the errors of the
/// means; paired differences where two methods are compared. Pixels inside the mask.
struct HeldOutScore {
  double density;                    // galaxies per arcmin^2
  double surveys;                    // how many
  double rmse, rmse_error;           // of the network's mean
  double ratio, ratio_error;         // RMSE over that of the Wiener filter, same surveys
  double ks_ratio, ks_ratio_error;   // RMSE over that of Kaiser-Squires at 1 arcmin
  double r_wiener, r, r_gain_error;  // Pearson r of both, and the error of their difference
  // Power over the truth's of the network and of Wiener, ell 1000 to 5000, on the sphere from lmax / 5 on.
  double power, power_wiener;
  double within_1, within_2;  // part of the pixels within 1 and 2 standard deviations
  double z_deviation;         // standard deviation of (truth - mean) / std
};

/// A score network at one noise level, on skies that it was not trained on.
struct NoiseLevel {
  double sigma;                         // rms of the noise in a pixel
  double loss_ratio, loss_ratio_error;  // mean square error of kappa over that of the Gaussian prior's mean
  std::vector<double> variance_ratio;   // the same in the card's bands, over the Gaussian prior's variance
  std::vector<double> lowest, highest;  // of each input, in the mean over skies: where the network is at home
};

/// Posterior samples with a score network against known truths (tessera calibrate): means over mock surveys
/// and the errors of the means.
struct CalibrationScore {
  double density_low, density_high;    // galaxies per arcmin^2
  double surveys, samples;             // how many, and samples of each
  double z_deviation, z_error;         // standard deviation of (truth - mean) / std in observed pixels
  double spread, spread_error;         // root mean square error over root mean variance
  double ratio, ratio_error;           // RMSE of the mean of many samples over that of the Wiener filter
  double power_lowest, power_highest;  // power of the samples over the truths', least and most of the bands
};

/// What a model is, was made from and is good for; kept inside its file as lines `name = value`.
struct ModelCard {
  std::string kind;                // "deepmass" or "score"
  std::string version;             // of the program that made it
  std::string skies;               // what it was trained on
  std::string command;             // that made it
  double pixel_arcmin = 0.0;       // side of a pixel
  std::uint64_t lmax = 0;          // of the sphere that it was trained on; 0: the plane
  double noise_low = 0.0;          // deepmass: noise of a shear component averaged over 1 arcmin^2, the
  double noise_high = 0.0;         //   range of the training surveys; score: rms of a pixel's noise
  std::vector<double> ell, c_ell;  // spectrum of the Wiener filter in front of it, and of the skies
  std::int64_t inputs = 0, outputs = 0, alignment = 0, receptive_radius = 0;
  std::vector<HeldOutScore> scores;            // deepmass
  double high_pass = 0.0;                      // score: multipole below which the prior is Gaussian
  std::vector<double> bands;                   // score: multipoles, increasing
  std::vector<NoiseLevel> levels;              // score: by increasing sigma
  std::vector<CalibrationScore> calibrations;  // score: of the samples that it gives

  /// The share of a mode's residual that is kept: 1 well above the high pass, 0 below gaussian_below().
  [[nodiscard]] double residual_share(double multipole) const;
  /// Lowest and highest of the levels for an input, as variance_ratio between them.
  struct InputRange {
    double low, high;
  };
  [[nodiscard]] InputRange input_range(std::size_t input, double sigma) const;
  /// Whether the network is told a noise level besides its maps.
  [[nodiscard]] bool conditioned() const { return kind == "score"; }
  /// Of the levels, linear in the logarithms, constant beyond the ends.
  [[nodiscard]] double variance_ratio(double multipole, double sigma) const;

  [[nodiscard]] std::string text() const;
  /// Error that names `path` if a line is missing or makes no sense.
  [[nodiscard]] static ModelCard parse(const std::string& text, const std::string& path);
};

/// Half of the high pass, where 6 % of the residual would be left. Below it nothing is: the large scales are
/// exactly Gaussian then, given the others, and can be drawn so.
[[nodiscard]] double gaussian_below(double high_pass);

/// 1 / (1 + (high_pass / multipole)^4), and 0 below gaussian_below().
[[nodiscard]] double high_passed(double multipole, double high_pass);

/// Data that a model is to be used on.
struct ModelUse {
  double pixel_arcmin;
  double noise;  // as in the card; 0 if not known yet
  const theory::PowerSpectrum* spectrum;
  std::uint64_t lmax = 0;  // as in the card
};

/// Why the card does not cover the data, one sentence each; empty if it does.
[[nodiscard]] std::vector<std::string> reasons_against(const ModelCard& card, const ModelUse& use);

}  // namespace tessera::network
