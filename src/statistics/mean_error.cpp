#include "statistics/mean_error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tessera::statistics {

MeanError mean_error(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0.0;
  for (const double value : values) square += (value - mean) * (value - mean);
  return {mean, std::sqrt(square / std::max(n - 1.0, 1.0) / n)};
}

}  // namespace tessera::statistics
