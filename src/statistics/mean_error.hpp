#pragma once

#include <span>

namespace tessera::statistics {

/// Mean of independent values and its standard error, from their scatter.
struct MeanError {
  double mean, error;
};

[[nodiscard]] MeanError mean_error(std::span<const double> values);

}  // namespace tessera::statistics
