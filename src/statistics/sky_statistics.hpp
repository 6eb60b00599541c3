#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "statistics/starlet.hpp"

namespace tessera::statistics {

/// What is measured on a sky. Angles in radians, multipoles in radians^-1.
struct SkyBins {
  std::vector<double> ell;         // edges of the bands of the spectrum, increasing, > 0
  std::vector<double> smoothing;   // standard deviations of the Gaussians; 0: the map itself
  std::vector<double> top_hat;     // radii of the discs, may be empty
  std::vector<double> pdf;         // edges in deviations from the mean over the rms, as many as smoothing has
  double extrema_smoothing;        // of the maps whose peaks and minima are counted
  std::vector<double> thresholds;  // convergence that peaks exceed
  std::vector<double> minima;      // convergence that minima fall below
  std::vector<double> nu;          // edges for peaks and minima, deviation from the mean over the rms
  std::uint64_t starlet_scales;    // scale j has 2^j < min(nx, ny)
  std::vector<double> starlet;     // edges in w_j over its rms
};

/// Percentiles of a map's values that measure_sky gives.
inline constexpr std::array<double, 5> measured_percents = {1.0, 5.0, 50.0, 95.0, 99.0};

/// A measured quantity, values [rows][columns]; columns = 0: one-dimensional.
struct Curve {
  std::string name;
  std::uint64_t columns;
  std::vector<double> values;
};

/// The statistics of one convergence map, in this order. b: band, s: smoothing.
///   modes [b]; power [b]: sum |a_k|^2 over the modes of the band by their number, steradian;
///   power_expected, power_ratio [b]: the sum of `expected` over the same modes, and the quotient;
///   rms, skewness, kurtosis, s3 [s]: central moments; skewness <k^3>/<k^2>^(3/2), kurtosis
///     <k^4>/<k^2>^2 - 3, s3 <k^3>/<k^2>^2; the same after a top-hat as top_hat_rms ...;
///   percentiles [s][measured_percents], linear between order statistics;
///   pdf [s][bin]: density of (kappa - mean) / rms;
///   peaks_above, minima_below [threshold], peaks_nu, minima_nu [bin]: pixels above (below) their eight
///     neighbours, per square degree;
///   starlet_rms, starlet_l1 [scale]: rms of w_j and mean |w_j|; starlet_bins [scale][bin]: sum of |w_j| over
///     the pixels with w_j / rms in the bin, over the number of pixels (l1-norm: Ajani et al. 2021, A&A 645,
///     L11). Scale 0 is the finest.
/// Bins are [edge, next edge). A map that is not periodic: one-point statistics and extrema leave out the
/// pixels nearer to the border than 3 sigma of the Gaussian or the radius of the disc (extrema: at least one
/// pixel), since smoothing brings the opposite border there; the spectrum is that of the map less its mean
/// times a cosine taper over a tenth of the side at each border, over the mean square of the taper;
/// wavelets mirror it.
///
/// kappa: this rank's pixels; expected: what |a_k|^2 should be, this rank's modes, or nothing (the two curves
/// are then left out), on all ranks alike. Error if a map is constant or its borders leave nothing.
/// Collective; the bits do not depend on the rank count.
[[nodiscard]] std::vector<Curve> measure_sky(const harmonic::PlaneBasis& basis, harmonic::ConstPixels kappa,
                                             std::optional<std::span<const double>> expected,
                                             const SkyBins& bins, bool periodic);

/// Central moments of the pixels with inside = 1; the others have inside = 0.
struct Moments {
  double pixels, mean, rms, skewness, kurtosis, s3;
};
[[nodiscard]] Moments moments(const harmonic::HarmonicBasis& basis, harmonic::ConstPixels map,
                              harmonic::ConstPixels inside);

/// Values of this rank's pixels that are strictly above (below) their eight neighbours. Of a periodic map any
/// pixel, of others those at least `margin` >= 1 from the border. Collective.
struct Extrema {
  std::vector<double> peaks, minima;
};
[[nodiscard]] Extrema extrema(const harmonic::PlaneBasis& basis, harmonic::ConstPixels map, bool periodic,
                              std::uint64_t margin);

/// Percentiles of the values of all ranks: linear between order statistics, as numpy's default. Exact: the
/// order statistics are found by bisection. Collective.
[[nodiscard]] std::vector<double> percentiles(const mpi::Communicator& comm, std::vector<double> values,
                                              std::span<const double> percents);

}  // namespace tessera::statistics
