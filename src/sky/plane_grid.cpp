#include "sky/plane_grid.hpp"

#include <cmath>

#include "core/error.hpp"

namespace tessera {
namespace {

bool has_small_factors(std::uint64_t n) {
  for (const std::uint64_t factor : {2U, 3U, 5U, 7U})
    while (n % factor == 0) n /= factor;
  return n == 1;
}

std::uint64_t padded_size(std::uint64_t n, double padding) {
  if (padding == 1.0) return n;
  auto size = static_cast<std::uint64_t>(std::ceil(static_cast<double>(n) * padding));
  while (!has_small_factors(size) || size % 2 != 0) ++size;
  return size;
}

}  // namespace

PlaneGrid::PlaneGrid(SkyPosition centre, std::uint64_t nx, std::uint64_t ny, double pixel_arcmin)
    : centre_(centre),
      nx_(nx),
      ny_(ny),
      pixel_arcmin_(pixel_arcmin),
      sin_dec_(std::sin(centre.dec * radians_per_degree)),
      cos_dec_(std::cos(centre.dec * radians_per_degree)) {
  TESSERA_REQUIRE(nx > 0 && ny > 0 && pixel_arcmin > 0.0);
}

std::optional<PixelPosition> PlaneGrid::project(SkyPosition sky) const {
  const double offset = (sky.ra - centre_.ra) * radians_per_degree;
  const double sin_dec = std::sin(sky.dec * radians_per_degree);
  const double cos_dec = std::cos(sky.dec * radians_per_degree);
  const double depth = sin_dec * sin_dec_ + cos_dec * cos_dec_ * std::cos(offset);
  if (!(depth > 0.0)) return std::nullopt;
  const double east = cos_dec * std::sin(offset) / depth;
  const double north = (sin_dec * cos_dec_ - cos_dec * sin_dec_ * std::cos(offset)) / depth;
  return PixelPosition{0.5 * static_cast<double>(nx_ - 1) - east / pixel_radians(),
                       0.5 * static_cast<double>(ny_ - 1) + north / pixel_radians()};
}

SkyPosition PlaneGrid::deproject(PixelPosition pixel) const {
  const double east = -(pixel.x - 0.5 * static_cast<double>(nx_ - 1)) * pixel_radians();
  const double north = (pixel.y - 0.5 * static_cast<double>(ny_ - 1)) * pixel_radians();
  const double depth = cos_dec_ - north * sin_dec_;
  double ra = centre_.ra + std::atan2(east, depth) / radians_per_degree;
  ra -= 360.0 * std::floor(ra / 360.0);
  const double dec = std::atan2(sin_dec_ + north * cos_dec_, std::hypot(east, depth)) / radians_per_degree;
  return {ra, dec};
}

std::optional<std::uint64_t> PlaneGrid::pixel_of(SkyPosition sky) const {
  const auto position = project(sky);
  if (!position) return std::nullopt;
  const double i = std::floor(position->x + 0.5);
  const double j = std::floor(position->y + 0.5);
  if (!(i >= 0.0 && j >= 0.0 && i < static_cast<double>(nx_) && j < static_cast<double>(ny_)))
    return std::nullopt;
  return static_cast<std::uint64_t>(j) * nx_ + static_cast<std::uint64_t>(i);
}

double frame_rotation(SkyPosition sky, SkyPosition centre) {
  // Convergence of meridians by Napier's analogy; unlike a difference of two position angles it does not
  // cancel near the centre.
  const double half_offset = 0.5 * std::remainder(sky.ra - centre.ra, 360.0) * radians_per_degree;
  const double mean_dec = 0.5 * (sky.dec + centre.dec) * radians_per_degree;
  const double half_difference = 0.5 * (sky.dec - centre.dec) * radians_per_degree;
  return -2.0 * std::atan2(std::sin(half_offset) * std::sin(mean_dec),
                           std::cos(half_offset) * std::cos(half_difference));
}

PaddedBox padded_box(const PlaneGrid& field, double padding) {
  TESSERA_REQUIRE(padding >= 1.0);
  return {padded_size(field.nx(), padding), padded_size(field.ny(), padding)};
}

}  // namespace tessera
