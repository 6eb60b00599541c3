#pragma once

#include <cstdint>
#include <memory>

#include "sky/angles.hpp"

namespace tessera {

/// The pixels of the sphere (HEALPix, Gorski et al. 2005). Pixels are named by their NESTED index unless
/// said otherwise; a face's pixels form a square lattice [y][x] of nside rows, x to the North-East and y to
/// the North-West.
class HealpixGrid {
 public:
  /// nside: a power of two up to 2^24, Error otherwise.
  explicit HealpixGrid(std::uint64_t nside);
  ~HealpixGrid();
  HealpixGrid(const HealpixGrid& other);
  HealpixGrid& operator=(const HealpixGrid& other);
  HealpixGrid(HealpixGrid&& other) noexcept;
  HealpixGrid& operator=(HealpixGrid&& other) noexcept;

  [[nodiscard]] std::uint64_t nside() const { return nside_; }
  [[nodiscard]] std::uint64_t pixels() const { return 12 * nside_ * nside_; }
  /// Steradian.
  [[nodiscard]] double pixel_area() const;
  /// Root of the area, as if a pixel were a square.
  [[nodiscard]] double pixel_radians() const;
  [[nodiscard]] double pixel_arcmin() const { return pixel_radians() / radians_per_arcmin; }

  /// Pixel that holds a direction, and the direction of a pixel's centre.
  [[nodiscard]] std::uint64_t pixel_of(SkyPosition sky) const;
  [[nodiscard]] SkyPosition centre(std::uint64_t pixel) const;
  /// Direction of a place within a pixel, x and y in [0, 1) along its sides.
  [[nodiscard]] SkyPosition within(std::uint64_t pixel, double x, double y) const;

  [[nodiscard]] std::uint64_t ring_index(std::uint64_t pixel) const;
  [[nodiscard]] std::uint64_t nested_index(std::uint64_t ring_index) const;

  /// A pixel's place on the lattice of its face, 0 to 11.
  struct Place {
    std::uint64_t face, x, y;
  };
  [[nodiscard]] Place place(std::uint64_t pixel) const;
  [[nodiscard]] std::uint64_t pixel_at(const Place& place) const;

  /// What lies at (x, y) of a face's lattice continued beyond its borders, by less than nside: the lattice of
  /// the neighbour, carried on straight. Beyond the eight corners where three faces meet there is no fourth
  /// quadrant; it is filled from both neighbours, each carried on around the corner up to the diagonal.
  struct Continued {
    std::uint64_t pixel;
    bool turned;  // by an odd number of right angles against the face it is seen from
  };
  [[nodiscard]] Continued continued(std::uint64_t face, std::int64_t x, std::int64_t y) const;

  /// How the lattice of a pixel's face is stretched there. With the metric g of a step along x and along y,
  /// divided by the root of its determinant, the logarithm of g is [[plus, cross], [cross, -plus]]: both zero
  /// for square pixels, plus > 0 for pixels longer along x, cross > 0 along x = y. A right angle changes both
  /// signs.
  struct Distortion {
    double plus, cross;
  };
  [[nodiscard]] Distortion distortion(std::uint64_t pixel) const;

 private:
  class Base;
  std::uint64_t nside_;
  std::unique_ptr<Base> base_;
};

}  // namespace tessera
