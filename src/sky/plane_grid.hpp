#pragma once

#include <cstdint>
#include <optional>

#include "sky/angles.hpp"

namespace tessera {

/// A place on the pixel grid: x grows to the West, y to the North; the centre of pixel (i, j) is x = i, y =
/// j.
struct PixelPosition {
  double x;
  double y;
};

/// A rectangular grid of square pixels in the gnomonic (TAN) projection about its own centre (Calabretta &
/// Greisen 2002, section 5.1.3): North up, East left. Maps on it are arrays [ny][nx], row 0 in the South,
/// column 0 in the East. FITS: CRPIX = (n + 1) / 2, CDELT1 = -pixel, CDELT2 = +pixel.
class PlaneGrid {
 public:
  /// centre: tangent point; pixel_arcmin: side of a pixel at the tangent point.
  PlaneGrid(SkyPosition centre, std::uint64_t nx, std::uint64_t ny, double pixel_arcmin);

  [[nodiscard]] SkyPosition centre() const { return centre_; }
  [[nodiscard]] std::uint64_t nx() const { return nx_; }
  [[nodiscard]] std::uint64_t ny() const { return ny_; }
  [[nodiscard]] double pixel_arcmin() const { return pixel_arcmin_; }
  [[nodiscard]] double pixel_radians() const { return pixel_arcmin_ * radians_per_arcmin; }

  /// Grid coordinates of a direction; nothing if it lies 90 degrees or more from the centre.
  [[nodiscard]] std::optional<PixelPosition> project(SkyPosition sky) const;

  /// Direction of grid coordinates.
  [[nodiscard]] SkyPosition deproject(PixelPosition pixel) const;

  /// Index j * nx + i of the pixel that holds a direction; nothing if it is off the grid.
  [[nodiscard]] std::optional<std::uint64_t> pixel_of(SkyPosition sky) const;

 private:
  SkyPosition centre_;
  std::uint64_t nx_;
  std::uint64_t ny_;
  double pixel_arcmin_;
  double sin_dec_;
  double cos_dec_;
};

/// The angle (radians) by which a direction's local frame (x West, y North) is turned, counter-clockwise as
/// seen on the map, when it is carried to another direction along the great circle between them. An
/// ellipticity of the catalogue, e1 + i e2, becomes (e1 + i e2) exp(2i angle) in the frame there.
[[nodiscard]] double frame_rotation(SkyPosition sky, SkyPosition centre);

/// The periodic box in which the Fourier transforms of a field are done: the field in its South-East corner,
/// rows and columns without data behind it.
struct PaddedBox {
  std::uint64_t nx;
  std::uint64_t ny;
};

/// The smallest box with factors 2, 3, 5, 7 only that is at least `padding` (>= 1) times as wide as the
/// field; padding = 1 gives the field itself, whatever its factors.
[[nodiscard]] PaddedBox padded_box(const PlaneGrid& field, double padding);

}  // namespace tessera
