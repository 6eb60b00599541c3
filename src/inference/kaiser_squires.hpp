#pragma once

#include "harmonic/harmonic_basis.hpp"

namespace tessera::inference {

/// Kaiser & Squires (1993): convergence by direct inversion of the shear, E and B modes, smoothed by a
/// Gaussian of standard deviation `smoothing` (radians; 0: none). Pixels without data count as zero shear.
/// Not an estimate with an uncertainty: masks leak E into B, and noise is not weighted. Shapes: this rank's
/// pixels. Collective.
void kaiser_squires(const harmonic::HarmonicBasis& basis, harmonic::ConstPixels gamma1,
                    harmonic::ConstPixels gamma2, double smoothing, harmonic::Pixels kappa_e,
                    harmonic::Pixels kappa_b);

}  // namespace tessera::inference
