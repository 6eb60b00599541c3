#include <algorithm>
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "sky/healpix_grid.hpp"
#include "sky/ring_distribution.hpp"

using namespace tessera;

namespace {

struct Vector {
  double x, y, z;
};

Vector direction(SkyPosition sky) {
  const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
  return {std::cos(dec) * std::cos(ra), std::cos(dec) * std::sin(ra), std::sin(dec)};
}

double distance(const HealpixGrid& grid, std::uint64_t a, std::uint64_t b) {
  const Vector u = direction(grid.centre(a)), v = direction(grid.centre(b));
  return std::sqrt((u.x - v.x) * (u.x - v.x) + (u.y - v.y) * (u.y - v.y) + (u.z - v.z) * (u.z - v.z));
}

}  // namespace

TEST_CASE("nside must be a power of two") {
  for (const std::uint64_t nside : {0ULL, 3ULL, 100ULL, 1ULL << 25})
    REQUIRE_THROWS_AS(HealpixGrid(nside), Error);
  REQUIRE(HealpixGrid(512).pixel_arcmin() == Approx(6.871).epsilon(1e-3));
}

TEST_CASE("a pixel holds its centre and places within it") {
  for (const std::uint64_t nside : {1ULL, 2ULL, 8ULL, 64ULL}) {
    const HealpixGrid grid(nside);
    for (std::uint64_t pixel = 0; pixel < grid.pixels(); pixel += 1 + grid.pixels() / 500) {
      REQUIRE(grid.pixel_of(grid.centre(pixel)) == pixel);
      REQUIRE(grid.pixel_at(grid.place(pixel)) == pixel);
      for (const double x : {0.01, 0.5, 0.99})
        for (const double y : {0.01, 0.99}) REQUIRE(grid.pixel_of(grid.within(pixel, x, y)) == pixel);
    }
  }
}

TEST_CASE("storage order: every pixel once, rings whole, blocks the same for any ranks") {
  for (const std::uint64_t nside : {1ULL, 2ULL, 4ULL, 16ULL, 64ULL})
    for (const int ranks : {1, 2, 3, 7}) {
      const RingDistribution rings(nside, ranks), one(nside, 1);
      const std::uint64_t pixels = 12 * nside * nside;
      std::vector<bool> seen(pixels);
      for (std::uint64_t i = 0; i < pixels; ++i) {
        const std::uint64_t storage = rings.storage_index(i);
        REQUIRE(rings.ring_index(storage) == i);
        REQUIRE_FALSE(seen[storage]);
        seen[storage] = true;
        if (rings.blocks() == one.blocks()) REQUIRE(storage == one.storage_index(i));
      }
      const auto first = rings.first_pixels();
      REQUIRE(first.front() == 0);
      REQUIRE(first.back() == pixels);
      REQUIRE(std::is_sorted(first.begin(), first.end()));
      // North and South keep together.
      const auto& all = rings.rings();
      for (std::size_t r = 0; r + 1 < all.size(); ++r)
        if (all[r].number < 2 * nside) REQUIRE(all[r + 1].number == 4 * nside - all[r].number);
      if (nside >= 4) REQUIRE(rings.blocks() == one.blocks());
    }
}

TEST_CASE("fewer ranks can have the order of more") {
  for (const std::uint64_t nside : {16ULL, 64ULL})
    for (const int ranks : {1, 3, 9, 16}) {
      const RingDistribution many(nside, 13), few(nside, ranks, many.blocks());
      CHECK(many.blocks() == 16);
      CHECK(few.blocks() == 16);
      for (std::uint64_t i = 0; i < 12 * nside * nside; ++i)
        REQUIRE(few.storage_index(i) == many.storage_index(i));
    }
  CHECK(RingDistribution(16, 20, 16).blocks() == 32);   // one for each rank
  CHECK(RingDistribution(16, 1, 1024).blocks() == 32);  // a pair of rings in each
}

TEST_CASE("storage order agrees with HEALPix's rings") {
  const HealpixGrid grid(16);
  const RingDistribution rings(16, 3);
  for (const auto& ring : rings.rings()) {
    const double dec = grid.centre(grid.nested_index(ring.ring_index)).dec;
    for (std::uint64_t i = 0; i < ring.size; ++i)
      REQUIRE(grid.centre(grid.nested_index(ring.ring_index + i)).dec == Approx(dec).margin(1e-12));
  }
}

TEST_CASE("a face's lattice goes on beyond its borders: steps there are steps on the sky") {
  constexpr std::uint64_t nside = 16;
  constexpr std::int64_t n = nside, reach = 12;
  const HealpixGrid grid(nside);
  const double pixel = grid.pixel_radians();
  std::uint64_t seams = 0;
  for (std::uint64_t face = 0; face < 12; ++face)
    for (std::int64_t y = -reach; y < n + reach; ++y)
      for (std::int64_t x = -reach; x < n + reach; ++x) {
        const auto here = grid.continued(face, x, y);
        const bool inside = x >= 0 && x < n && y >= 0 && y < n;
        if (inside) {
          REQUIRE(here.pixel == face * nside * nside + grid.pixel_at({0, static_cast<std::uint64_t>(x),
                                                                      static_cast<std::uint64_t>(y)}));
          REQUIRE_FALSE(here.turned);
        }
        // To the right and upwards; but over the diagonal of a missing quadrant there is a seam.
        const auto step = [&](std::int64_t dx, std::int64_t dy) {
          return distance(grid, here.pixel, grid.continued(face, x + dx, y + dy).pixel) / pixel;
        };
        for (const double length : {step(1, 0), step(0, 1)}) {
          const bool corner = (x < 0 || x + 1 >= n) && (y < 0 || y + 1 >= n);
          if (length > 1.6 || length == 0.0) {
            ++seams;
            REQUIRE(corner);
          } else {
            REQUIRE(length > 0.6);
          }
        }
      }
  REQUIRE(seams > 0);
  // Seen from a face, each of its eight neighbours is another one, but at the corners of three.
  std::uint64_t corners = 0;
  for (std::uint64_t face = 0; face < 12; ++face) {
    std::set<std::uint64_t> faces;
    for (const std::int64_t x : {-1L, 5L, n})
      for (const std::int64_t y : {-1L, 5L, n})
        faces.insert(grid.place(grid.continued(face, x, y).pixel).face);
    corners += 9 - faces.size();
  }
  REQUIRE(corners == 24);  // eight corners, seen from three faces each
}

TEST_CASE("a face's continuation agrees with the neighbour's own lattice") {
  const HealpixGrid grid(8);
  for (std::uint64_t face = 0; face < 12; ++face)
    for (std::int64_t i = 0; i < 8; ++i)
      for (const auto& [x, y] : {std::pair<std::int64_t, std::int64_t>{-1, i}, {8, i}, {i, -1}, {i, 8}}) {
        const auto beyond = grid.continued(face, x, y);
        const auto at = grid.place(beyond.pixel);
        // Beyond that pixel's border lies the pixel we came from.
        const std::int64_t back_x = std::clamp<std::int64_t>(x, 0, 7),
                           back_y = std::clamp<std::int64_t>(y, 0, 7);
        const std::uint64_t home = grid.continued(face, back_x, back_y).pixel;
        bool found = false;
        for (const auto& [dx, dy] : {std::pair<std::int64_t, std::int64_t>{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
          const auto back = grid.continued(at.face, static_cast<std::int64_t>(at.x) + dx,
                                           static_cast<std::int64_t>(at.y) + dy);
          if (back.pixel == home) {
            found = true;
            REQUIRE(back.turned == beyond.turned);
          }
        }
        REQUIRE(found);
      }
}

TEST_CASE("distortion: the measured steps on the sky") {
  const HealpixGrid grid(256);
  for (std::uint64_t pixel = 0; pixel < grid.pixels(); pixel += 977) {
    const auto at = grid.place(pixel);
    if (at.x == 0 || at.y == 0 || at.x + 1 == 256 || at.y + 1 == 256) continue;
    const auto neighbour = [&](std::int64_t dx, std::int64_t dy) {
      const Vector v = direction(grid.centre(grid.pixel_at(
          {at.face, at.x + static_cast<std::uint64_t>(dx), at.y + static_cast<std::uint64_t>(dy)})));
      return v;
    };
    const Vector a = neighbour(1, 0), b = neighbour(-1, 0), c = neighbour(0, 1), d = neighbour(0, -1);
    const Vector x{a.x - b.x, a.y - b.y, a.z - b.z}, y{c.x - d.x, c.y - d.y, c.z - d.z};
    const double xx = x.x * x.x + x.y * x.y + x.z * x.z, yy = y.x * y.x + y.y * y.y + y.z * y.z,
                 xy = x.x * y.x + x.y * y.y + x.z * y.z, root = std::sqrt(xx * yy - xy * xy);
    // Of the matrix exponential of [[plus, cross], [cross, -plus]].
    const auto [plus, cross] = grid.distortion(pixel);
    const double s = std::hypot(plus, cross), scale = s > 0.0 ? std::sinh(s) / s : 1.0;
    REQUIRE(std::cosh(s) == Approx(0.5 * (xx + yy) / root).epsilon(0.03));
    REQUIRE(scale * plus == Approx(0.5 * (xx - yy) / root).margin(0.03));
    REQUIRE(scale * cross == Approx(xy / root).margin(0.03));
  }
}
