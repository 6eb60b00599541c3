#pragma once

#include <span>
#include <vector>

namespace tessera::theory {

/// Linear interpolation of y(x) on increasing x, held constant beyond the ends.
[[nodiscard]] double interpolate(std::span<const double> x, std::span<const double> y, double at);

/// n points from min to max in equal steps of the logarithm.
[[nodiscard]] std::vector<double> logarithmic_grid(double min, double max, std::size_t n);

}  // namespace tessera::theory
