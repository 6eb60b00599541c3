#include "theory/nfw.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/gsl_sf_expint.h>
#include <numbers>

namespace tessera::theory {

double nfw_mass(double c) { return std::log1p(c) - c / (1.0 + c); }

double nfw_fourier(double x, double c) {
  constexpr double small = 1e-3;
  if (x * c < small) {
    // 1 - x^2 <r^2> / 6
    const double second = (c * c * c - 3.0 * c * c - 6.0 * c) / (2.0 * (1.0 + c)) + 3.0 * std::log1p(c);
    return 1.0 - x * x * second / (6.0 * nfw_mass(c));
  }
  const double outer = (1.0 + c) * x;
  const double sine = gsl_sf_Si(outer) - gsl_sf_Si(x);
  const double cosine = gsl_sf_Ci(outer) - gsl_sf_Ci(x);
  return (std::sin(x) * sine + std::cos(x) * cosine - std::sin(c * x) / outer) / nfw_mass(c);
}

double nfw_projected(double x, double c) {
  if (x >= c) return 0.0;
  const double difference = 1.0 - x * x;
  double shape = 0.0;
  constexpr double near = 1e-4;
  if (std::abs(difference) < near) {
    shape = std::sqrt(c * c - 1.0) / (3.0 * (1.0 + c)) * (1.0 + 1.0 / (c + 1.0));
  } else {
    const double edge = -std::sqrt(c * c - x * x) / (difference * (1.0 + c));
    const double argument = (x * x + c) / (x * (1.0 + c));
    const double root = std::pow(std::abs(difference), 1.5);
    shape = difference > 0.0 ? edge + std::acosh(std::max(argument, 1.0)) / root
                             : edge - std::acos(std::min(argument, 1.0)) / root;
  }
  return shape / (2.0 * std::numbers::pi * nfw_mass(c));
}

}  // namespace tessera::theory
