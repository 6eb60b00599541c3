#pragma once

#include <array>
#include <cstddef>

namespace tessera::harmonic {

/// Added in eight strands, always the same ones: the compiler may not reorder a sum, and one strand waits for
/// itself.
inline double sum_of_products(const double* x, const double* y, std::size_t n) {
  constexpr std::size_t strands = 8;
  std::array<double, strands> sum{};
  std::size_t i = 0;
  for (; i + strands <= n; i += strands)
    for (std::size_t s = 0; s < strands; ++s) sum[s] += x[i + s] * y[i + s];
  for (; i < n; ++i) sum[i % strands] += x[i] * y[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

}  // namespace tessera::harmonic
