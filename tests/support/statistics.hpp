#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace tessera::test {

/// Probability that the Kolmogorov-Smirnov distance of n draws exceeds the observed one (Kolmogorov's
/// asymptotic series with Stephens' correction), for draws that cdf maps to the uniform distribution.
template <class Cdf>
double kolmogorov_smirnov_p(std::vector<double> draws, Cdf cdf) {
  std::sort(draws.begin(), draws.end());
  const auto n = static_cast<double>(draws.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const double f = cdf(draws[i]);
    distance = std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  const double t = distance * (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n));
  double p = 0.0;
  for (int k = 1; k < 100; ++k) p += 2.0 * (k % 2 == 1 ? 1.0 : -1.0) * std::exp(-2.0 * k * k * t * t);
  return std::clamp(p, 0.0, 1.0);
}

inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace tessera::test
