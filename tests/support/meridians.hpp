#pragma once

#include <cmath>

#include "sky/angles.hpp"

namespace tessera::test {

/// Angle by which meridians turn along the great circle from one direction to another (Napier's analogies),
/// counter-clockwise with x West and y North: East of the centre and in the North the pole is to the right of
/// the map's top.
inline double turn_of_meridians(SkyPosition sky, SkyPosition centre) {
  const double half_ra = 0.5 * (sky.ra - centre.ra) * radians_per_degree;
  const double dec = sky.dec * radians_per_degree, dec0 = centre.dec * radians_per_degree;
  return -2.0 * std::atan(std::tan(half_ra) * std::sin(0.5 * (dec + dec0)) / std::cos(0.5 * (dec - dec0)));
}

}  // namespace tessera::test
