#pragma once

#include <numbers>

namespace tessera {

inline constexpr double radians_per_degree = std::numbers::pi / 180.0;
inline constexpr double radians_per_arcmin = radians_per_degree / 60.0;

/// A direction on the sky, in degrees (ICRS).
struct SkyPosition {
  double ra;
  double dec;
};

}  // namespace tessera
