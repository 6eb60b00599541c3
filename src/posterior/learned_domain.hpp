#pragma once

#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::posterior {

/// Pixels, 1 or 0, in which a learned prior is asked: those near data. A chain in a large hole would sample
/// the network's prior alone, and a network's score, unlike a density's gradient, need not lead back from
/// fields that it has never seen; there the Gaussian prior holds. Near means that the coverage (1 where there
/// are data) smoothed by a Gaussian of standard deviation reach / 2 is above Phi(-2) = 0.023: within `reach`,
/// radians, of a straight border, a little less around corners and thin data.
/// variance: of the data, [pixel], 0 without; this rank's pixels, as the result. Collective.
[[nodiscard]] std::vector<double> learned_domain(const harmonic::HarmonicBasis& basis,
                                                 harmonic::ConstPixels variance, double reach);

}  // namespace tessera::posterior
