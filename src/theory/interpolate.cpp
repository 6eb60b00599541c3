#include "theory/interpolate.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::theory {

double interpolate(std::span<const double> x, std::span<const double> y, double at) {
  TESSERA_REQUIRE(x.size() >= 2 && x.size() == y.size());
  if (at <= x.front()) return y.front();
  if (at >= x.back()) return y.back();
  const auto i = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin());
  const double t = (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + t * (y[i] - y[i - 1]);
}

std::vector<double> logarithmic_grid(double min, double max, std::size_t n) {
  TESSERA_REQUIRE(min > 0.0 && max > min && n >= 2);
  std::vector<double> grid(n);
  const double step = std::log(max / min) / static_cast<double>(n - 1);
  for (std::size_t i = 0; i < n; ++i) grid[i] = min * std::exp(step * static_cast<double>(i));
  return grid;
}

}  // namespace tessera::theory
