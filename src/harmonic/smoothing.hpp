#pragma once

#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::harmonic {

/// A map convolved with a Gaussian of standard deviation `sigma`, radians; this rank's pixels. Collective.
[[nodiscard]] std::vector<double> smoothed(const HarmonicBasis& basis, ConstPixels map, double sigma);

}  // namespace tessera::harmonic
