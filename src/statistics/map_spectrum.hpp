#pragma once

#include <vector>

#include "harmonic/plane_basis.hpp"

namespace tessera::statistics {

/// Measures the convergence spectrum of maps in bands of equal width in log ell. Of the maps of one process:
/// the basis has a communicator of its own.
///
/// A periodic map is transformed as it is. Of another its mean is subtracted, and cosine_taper is applied;
/// the power is divided by the mean square of that window. Power
/// within the window's width of ell, about 3 fundamental modes, is mixed.
class MapSpectrum {
 public:
  /// pixel_averaged: divide the pixel's window out. `bands` that hold no mode are left out.
  MapSpectrum(const harmonic::PlaneBasis& basis, bool periodic, bool pixel_averaged, std::uint64_t bands);

  /// Mean ell of each band (radians^-1), between the smallest and the largest ell of the map, which are nodes
  /// too, so that the table covers all modes.
  [[nodiscard]] const std::vector<double>& ell() const { return ell_; }

  /// Spectrum of a map [ny][nx] at ell(), in the map's unit squared times steradian; at the ends it is that
  /// of the nearest band.
  [[nodiscard]] std::vector<double> operator()(harmonic::ConstPixels map) const;

 private:
  void sort_modes(bool pixel_averaged, std::uint64_t bands);

  const harmonic::PlaneBasis* basis_;
  std::vector<double> taper_;      // of each pixel; empty: none
  std::vector<std::size_t> band_;  // of each mode; beyond the last: none
  std::vector<double> weight_;     // of each mode in its band's mean
  std::vector<double> ell_;
  std::size_t bands_ = 0;
};

}  // namespace tessera::statistics
