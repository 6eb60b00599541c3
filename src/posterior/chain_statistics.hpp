#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tessera::posterior {

/// One number of every sample, [chain][sample]; all chains of one length.
using ChainSeries = std::vector<std::vector<double>>;

/// Potential scale reduction of the halves of the chains (split R-hat: Gelman et al. 2013, section 11.4):
/// near 1 if the chains agree with each other and their beginnings with their ends. NaN for fewer than 4
/// samples a chain; 1 for a constant.
[[nodiscard]] double split_r_hat(const ChainSeries& chains);

/// Number of independent samples that know the mean equally well, from the autocorrelations of all chains
/// up to Geyer's initial monotone sequence (Vehtari et al. 2021, section 3.2), at most the number of samples
/// times its logarithm. NaN for fewer than 4 samples a chain.
[[nodiscard]] double effective_samples(const ChainSeries& chains);

}  // namespace tessera::posterior
