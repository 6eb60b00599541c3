#pragma once

#include <cmath>
#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::harmonic {

/// Factor of a mode in a map convolved with a Gaussian of standard deviation `sigma`, radians.
[[nodiscard]] inline double gaussian_damping(double ell, double sigma) {
  return std::exp(-0.5 * ell * ell * (sigma * sigma));
}

/// A map convolved with a Gaussian of standard deviation `sigma`, radians; this rank's pixels. Collective.
[[nodiscard]] std::vector<double> smoothed(const HarmonicBasis& basis, ConstPixels map, double sigma);

}  // namespace tessera::harmonic
