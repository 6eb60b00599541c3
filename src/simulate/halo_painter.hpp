#pragma once

#include <cstdint>
#include <vector>

#include "harmonic/plane_basis.hpp"

namespace tessera::simulate {

/// A halo on the plane. Positions in pixels of the box (the centre of pixel i is at i), lengths in pixels.
struct PaintedHalo {
  std::uint64_t key;  // orders haloes the same way for any number of ranks; unique
  double x, y;
  double radius;  // where the profile ends, geometric mean of the axes
  double concentration;
  double axis_ratio;  // of the projected mass, (0, 1]
  double angle;       // of the major axis, radians from x to y
  double kappa;       // integral over the plane, in pixels: kappa times the number of pixels
};

/// Adds haloes to a map: the projected profile of Navarro, Frenk & White, cut off at the radius, averaged
/// over each pixel (numerically, finer near the centre) and scaled to the exact integral. The box is
/// periodic.
class HaloPainter {
 public:
  HaloPainter();

  /// Adds `haloes`, of which each rank gives some, to the rows of every rank that they touch. field:
  /// [local_rows][nx]. Collective; the bits do not depend on the rank count.
  void paint(const harmonic::PlaneBasis& basis, const std::vector<PaintedHalo>& haloes,
             harmonic::Pixels field) const;

 private:
  /// Pixels of one halo with their kappa, relative to the pixel of its centre.
  struct Stamp {
    std::int64_t half = 0;       // side: 2 half + 1
    std::vector<double> values;  // [side][side]
  };
  void make_stamp(const PaintedHalo& halo, Stamp& stamp) const;
  /// Surface density times radius^2 / mass as a function of (r / radius)^2, between two rows of the table.
  struct Profile {
    const double* rows;
    double share;  // of the second row
    [[nodiscard]] double operator()(double radius2_share) const;
  };
  [[nodiscard]] Profile profile(double concentration) const;

  std::vector<double> table_;  // nfw_projected times c^2, [concentration][sqrt(r / radius)]
};

}  // namespace tessera::simulate
