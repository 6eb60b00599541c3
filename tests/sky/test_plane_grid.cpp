#include <cmath>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "sky/plane_grid.hpp"

using namespace tessera;

TEST_CASE("pixel and sky coordinates are inverse to each other") {
  for (const SkyPosition centre :
       {SkyPosition{150.1, 2.2}, SkyPosition{0.01, -45.0}, SkyPosition{359.9, 89.0}}) {
    const PlaneGrid grid(centre, 37, 24, 3.0);
    for (const PixelPosition place : {PixelPosition{0, 0}, PixelPosition{36, 0}, PixelPosition{17.3, 20.9}}) {
      const auto back = grid.project(grid.deproject(place));
      REQUIRE(back);
      CHECK(back->x == Approx(place.x).margin(1e-9));
      CHECK(back->y == Approx(place.y).margin(1e-9));
    }
    CHECK(grid.deproject({18.0, 11.5}).dec == Approx(centre.dec).margin(1e-12));
  }
}

TEST_CASE("x grows to the West and y to the North") {
  const PlaneGrid grid({150.0, 2.0}, 10, 10, 1.0);
  const auto west = grid.project({150.0 - 1.0 / 60.0, 2.0});
  const auto north = grid.project({150.0, 2.0 + 1.0 / 60.0});
  CHECK(west->x == Approx(4.5 + std::cos(2.0 * radians_per_degree)).epsilon(1e-5));
  CHECK(north->y == Approx(5.5).epsilon(1e-6));
}

TEST_CASE("a galaxy belongs to the pixel whose centre is nearest") {
  const PlaneGrid grid({150.0, 2.0}, 5, 4, 1.0);
  CHECK(grid.pixel_of(grid.deproject({-0.49, -0.49})) == 0U);
  CHECK(grid.pixel_of(grid.deproject({4.49, 3.49})) == 19U);
  CHECK(grid.pixel_of(grid.deproject({2.51, 1.49})) == 8U);
  CHECK_FALSE(grid.pixel_of(grid.deproject({-0.51, 0.0})));
  CHECK_FALSE(grid.pixel_of(grid.deproject({0.0, 3.51})));
  CHECK_FALSE(grid.pixel_of({330.0, -2.0}));  // behind the tangent plane
}

TEST_CASE("the frame's rotation is the difference of the great circle's position angles") {
  const SkyPosition centre{150.0, 60.0};
  const PlaneGrid grid(centre, 100, 100, 6.0);
  for (const SkyPosition sky : {SkyPosition{155.0, 62.0}, SkyPosition{146.0, 57.0}, SkyPosition{150.0, 64.0},
                                SkyPosition{152.0, 60.0}}) {
    const auto radians = [](double degrees) { return degrees * radians_per_degree; };
    const double d = radians(sky.ra - centre.ra), p = radians(sky.dec), c = radians(centre.dec);
    const double at_centre = std::atan2(std::sin(d) * std::cos(p),
                                        std::sin(p) * std::cos(c) - std::cos(p) * std::sin(c) * std::cos(d));
    const double at_sky = std::atan2(std::sin(d) * std::cos(c),
                                     std::sin(p) * std::cos(c) * std::cos(d) - std::cos(p) * std::sin(c));
    CHECK(frame_rotation(sky, grid.centre()) ==
          Approx(std::remainder(at_centre - at_sky, 2.0 * M_PI)).margin(1e-12));
  }
  CHECK(frame_rotation({155.0, 60.0}, grid.centre()) <
        -0.05);  // East of the centre, in the North: turned clockwise
}

TEST_CASE("a padded box has small factors and room enough") {
  const PlaneGrid field({0, 0}, 367, 101, 1.0);
  const PaddedBox box = padded_box(field, 1.5);
  CHECK(box.nx >= 551);
  CHECK(box.ny >= 152);
  for (std::uint64_t n : {box.nx, box.ny}) {
    for (const std::uint64_t factor : {2U, 3U, 5U, 7U})
      while (n % factor == 0) n /= factor;
    CHECK(n == 1);
  }
  CHECK(padded_box(field, 1.0).nx == 367);
  CHECK_THROWS_AS(padded_box(field, 0.9), ContractViolation);
}
