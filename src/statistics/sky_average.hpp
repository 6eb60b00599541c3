#pragma once

#include <vector>

#include "statistics/sky_statistics.hpp"

namespace tessera::statistics {

/// Mean of a curve over skies and its standard error (NaN for one sky), [values].
struct MeanCurve {
  Curve mean;
  std::vector<double> error;
};

/// Averages over skies. measured[i] are the curves of sky i where this rank measured it and empty elsewhere;
/// every sky is measured on one rank. Skies are added in their own order. Collective.
[[nodiscard]] std::vector<MeanCurve> average_skies(const mpi::Communicator& comm,
                                                   const std::vector<std::vector<Curve>>& measured);

}  // namespace tessera::statistics
