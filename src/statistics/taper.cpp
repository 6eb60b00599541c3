#include "statistics/taper.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tessera::statistics {

std::vector<double> cosine_taper(std::uint64_t n) {
  constexpr double part = 0.1;
  std::vector<double> window;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto from_border = static_cast<double>(std::min(i, n - 1 - i)) + 0.5;
    const double sine =
        std::sin(0.5 * std::numbers::pi * std::min(1.0, from_border / (part * static_cast<double>(n))));
    window.push_back(sine * sine);
  }
  return window;
}

}  // namespace tessera::statistics
