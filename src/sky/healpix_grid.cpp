#include "sky/healpix_grid.hpp"

#include <algorithm>
#include <cmath>
#include <healpix_base.h>
#include <numbers>
#include <utility>

#include "core/error.hpp"

namespace tessera {

/// HEALPix C++ with the parts that it keeps to itself.
class HealpixGrid::Base : public T_Healpix_Base<int64> {
 public:
  explicit Base(std::uint64_t nside) : T_Healpix_Base(static_cast<int64>(nside), NEST, SET_NSIDE) {}

  /// Face beyond a border, -1 if there is none; x and y become its own, `turned` changes with a right angle.
  /// direction: 0 to 8, row by row, 4 is the face itself.
  static int cross(int face, int direction, std::int64_t nside, std::int64_t& x, std::int64_t& y,
                   bool& turned) {
    const int other = nb_facearray[direction][face];
    if (other < 0) return other;
    const int bits = nb_swaparray[direction][face >> 2];
    if ((bits & 1) != 0) x = nside - x - 1;
    if ((bits & 2) != 0) y = nside - y - 1;
    if ((bits & 4) != 0) {
      std::swap(x, y);
      turned = !turned;
    }
    return other;
  }

  [[nodiscard]] vec3 direction(double x, double y, int face) const {
    double z = 0.0, phi = 0.0, sine = 0.0;
    bool have_sine = false;
    xyf2loc(x, y, face, z, phi, sine, have_sine);
    if (!have_sine) sine = std::sqrt((1.0 - z) * (1.0 + z));
    return {sine * std::cos(phi), sine * std::sin(phi), z};
  }
};

namespace {

std::uint64_t checked_nside(std::uint64_t nside) {
  constexpr std::uint64_t most = 1U << 24U;
  if (nside == 0 || nside > most || (nside & (nside - 1)) != 0)
    fail("nside is {} and must be a power of two from 1 to {}", nside, most);
  return nside;
}

pointing to_pointing(SkyPosition sky) {
  return {(90.0 - sky.dec) * radians_per_degree, sky.ra * radians_per_degree};
}

SkyPosition to_sky(const vec3& v) {
  double ra = std::atan2(v.y, v.x) / radians_per_degree;
  if (ra < 0.0) ra += 360.0;
  return {ra, std::atan2(v.z, std::hypot(v.x, v.y)) / radians_per_degree};
}

/// -1, 0 or 1: before, on or behind a face.
int side_of(std::int64_t i, std::int64_t nside) { return i < 0 ? -1 : (i >= nside ? 1 : 0); }

std::int64_t depth_beyond(std::int64_t i, std::int64_t nside) {
  return i < 0 ? -i : std::max<std::int64_t>(0, i - nside + 1);
}

}  // namespace

HealpixGrid::HealpixGrid(std::uint64_t nside)
    : nside_(checked_nside(nside)), base_(std::make_unique<Base>(nside)) {}
HealpixGrid::~HealpixGrid() = default;
HealpixGrid::HealpixGrid(const HealpixGrid& other) : HealpixGrid(other.nside_) {}
HealpixGrid& HealpixGrid::operator=(const HealpixGrid& other) {
  if (this != &other) *this = HealpixGrid(other.nside_);
  return *this;
}
HealpixGrid::HealpixGrid(HealpixGrid&& other) noexcept = default;
HealpixGrid& HealpixGrid::operator=(HealpixGrid&& other) noexcept = default;

double HealpixGrid::pixel_area() const { return 4.0 * std::numbers::pi / static_cast<double>(pixels()); }
double HealpixGrid::pixel_radians() const { return std::sqrt(pixel_area()); }

std::uint64_t HealpixGrid::pixel_of(SkyPosition sky) const {
  return static_cast<std::uint64_t>(base_->ang2pix(to_pointing(sky)));
}

SkyPosition HealpixGrid::centre(std::uint64_t pixel) const {
  return to_sky(base_->pix2vec(static_cast<int64>(pixel)));
}

SkyPosition HealpixGrid::within(std::uint64_t pixel, double x, double y) const {
  const Place at = place(pixel);
  const auto n = static_cast<double>(nside_);
  return to_sky(base_->direction((static_cast<double>(at.x) + x) / n, (static_cast<double>(at.y) + y) / n,
                                 static_cast<int>(at.face)));
}

std::uint64_t HealpixGrid::ring_index(std::uint64_t pixel) const {
  return static_cast<std::uint64_t>(base_->nest2ring(static_cast<int64>(pixel)));
}

std::uint64_t HealpixGrid::nested_index(std::uint64_t ring_index) const {
  return static_cast<std::uint64_t>(base_->ring2nest(static_cast<int64>(ring_index)));
}

HealpixGrid::Place HealpixGrid::place(std::uint64_t pixel) const {
  int x = 0, y = 0, face = 0;
  base_->pix2xyf(static_cast<int64>(pixel), x, y, face);
  return {static_cast<std::uint64_t>(face), static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y)};
}

std::uint64_t HealpixGrid::pixel_at(const Place& place) const {
  return static_cast<std::uint64_t>(
      base_->xyf2pix(static_cast<int>(place.x), static_cast<int>(place.y), static_cast<int>(place.face)));
}

HealpixGrid::Continued HealpixGrid::continued(std::uint64_t face, std::int64_t x, std::int64_t y) const {
  const auto n = static_cast<std::int64_t>(nside_);
  TESSERA_REQUIRE(x >= -n && x < 2 * n && y >= -n && y < 2 * n);
  bool turned = false;
  int at = static_cast<int>(face);
  const int right = side_of(x, n), up = side_of(y, n);
  if (right != 0 || up != 0) {
    std::int64_t u = x - right * n, v = y - up * n;
    int other = Base::cross(at, 4 + right + 3 * up, n, u, v, turned);
    if (other < 0) {
      // No fourth quadrant: over the nearer border first, then around the corner.
      const bool first_x = depth_beyond(x, n) >= depth_beyond(y, n);
      u = first_x ? x - right * n : x;
      v = first_x ? y : y - up * n;
      other = Base::cross(at, first_x ? 4 + right : 4 + 3 * up, n, u, v, turned);
      const int again_x = side_of(u, n), again_y = side_of(v, n);
      u -= again_x * n;
      v -= again_y * n;
      other = Base::cross(other, 4 + again_x + 3 * again_y, n, u, v, turned);
    }
    at = other;
    return {pixel_at({static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(u),
                      static_cast<std::uint64_t>(v)}),
            turned};
  }
  return {pixel_at({face, static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y)}), false};
}

HealpixGrid::Distortion HealpixGrid::distortion(std::uint64_t pixel) const {
  const Place at = place(pixel);
  const auto n = static_cast<double>(nside_);
  const double x = (static_cast<double>(at.x) + 0.5) / n, y = (static_cast<double>(at.y) + 0.5) / n,
               half = 0.5 / n;
  const int face = static_cast<int>(at.face);
  const vec3 along_x = base_->direction(x + half, y, face) - base_->direction(x - half, y, face);
  const vec3 along_y = base_->direction(x, y + half, face) - base_->direction(x, y - half, face);
  const double xx = dotprod(along_x, along_x), yy = dotprod(along_y, along_y), xy = dotprod(along_x, along_y);
  const double root = std::sqrt(xx * yy - xy * xy);
  const double plus = 0.5 * (xx - yy) / root, cross = xy / root;
  const double sinh = std::hypot(plus, cross);
  const double scale = sinh > 0.0 ? std::asinh(sinh) / sinh : 1.0;
  return {scale * plus, scale * cross};
}

}  // namespace tessera
