#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/random.hpp"
#include "simulate/sphere_mask.hpp"
#include "sky/healpix_grid.hpp"

using namespace tessera;
using simulate::SphereMask;

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr double sphere = 41252.96125;  // square degrees

/// Of each pixel's centre, whether it is observed.
std::vector<bool> observed_pixels(const HealpixGrid& grid, const SphereMask& mask) {
  std::vector<bool> observed;
  for (std::uint64_t p = 0; p < grid.pixels(); ++p) observed.push_back(mask.observes(grid.centre(p)));
  return observed;
}

std::uint64_t count(const std::vector<bool>& pixels) {
  return static_cast<std::uint64_t>(std::count(pixels.begin(), pixels.end(), true));
}

/// What any of eight seeds observes: the chance that all have a hole at a place is 10^-9.
class Outline {
 public:
  explicit Outline(std::uint64_t first_seed) {
    for (std::uint64_t seed = first_seed; seed < first_seed + 8; ++seed)
      masks_.push_back(simulate::des_like_mask(seed));
  }
  [[nodiscard]] bool holds(SkyPosition sky) const {
    return std::any_of(masks_.begin(), masks_.end(), [&](const auto& mask) { return mask->observes(sky); });
  }
  [[nodiscard]] std::vector<bool> pixels(const HealpixGrid& grid) const {
    std::vector<bool> pixels;
    for (std::uint64_t p = 0; p < grid.pixels(); ++p) pixels.push_back(holds(grid.centre(p)));
    return pixels;
  }

 private:
  std::vector<std::unique_ptr<SphereMask>> masks_;
};

}  // namespace

TEST_CASE("the DES-like mask observes 4100 square degrees with any seed") {
  const HealpixGrid grid(256);
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3},
                                   std::uint64_t{12345}, ~std::uint64_t{0}}) {
    const auto observed = observed_pixels(grid, *simulate::des_like_mask(seed));
    const double area = sphere * static_cast<double>(count(observed)) / static_cast<double>(grid.pixels());
    CHECK(area == Approx(4100.0).margin(100.0));
  }
}

TEST_CASE("the holes of the DES-like mask are those of its seed, the outline is the same for all") {
  const HealpixGrid grid(256);
  const auto outline = Outline(100).pixels(grid);
  CHECK((outline == Outline(200).pixels(grid)));
  const auto a = observed_pixels(grid, *simulate::des_like_mask(1)),
             b = observed_pixels(grid, *simulate::des_like_mask(2));
  double within = 0.0, lost_a = 0.0, lost_b = 0.0, lost_both = 0.0;
  for (std::size_t p = 0; p < outline.size(); ++p) {
    if (!outline[p]) {
      REQUIRE_FALSE((a[p] || b[p]));
      continue;
    }
    within += 1.0;
    lost_a += a[p] ? 0.0 : 1.0;
    lost_b += b[p] ? 0.0 : 1.0;
    lost_both += a[p] || b[p] ? 0.0 : 1.0;
  }
  CHECK(lost_a / within == Approx(0.073).margin(0.015));
  // Independent holes overlap by chance.
  CHECK(lost_both / within == Approx(lost_a * lost_b / (within * within)).epsilon(0.4));
}

TEST_CASE("the DES-like mask lies where the survey does") {
  const Outline outline(0);
  const SkyPosition inside[] = {{350.0, -50.0}, {30.0, -57.0}, {60.0, -60.0}, {95.0, -52.0}, {310.0, -52.0},
                                {345.0, -35.0}, {70.0, -35.0}, {45.0, -25.0}, {15.0, -12.0}, {317.0, 0.0},
                                {43.0, 0.0},    {0.0, 2.5},    {0.0, -40.0},  {359.5, -20.0}};
  for (const SkyPosition sky : inside) {
    CHECK(outline.holds(sky));
    CHECK_FALSE(outline.holds({sky.ra + 180.0, -sky.dec}));
  }
  const SkyPosition outside[] = {{80.0, -69.0}, {80.0, -63.5},  {0.0, -63.0},  {0.0, 5.0},     {180.0, -50.0},
                                 {180.0, 0.0},  {330.0, -20.0}, {60.0, -10.0}, {115.0, -50.0}, {290.0, -50.0},
                                 {0.0, 90.0},   {123.0, -90.0}, {80.0, -20.0}, {312.0, 0.0},   {48.0, 0.0}};
  for (const SkyPosition sky : outside) CHECK_FALSE(outline.holds(sky));
}

TEST_CASE("the DES-like mask goes on over right ascension 0, and a turn changes nothing") {
  double across = 0.0, total = 0.0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto mask = simulate::des_like_mask(seed);
    for (double dec = -58.0; dec < -26.0; dec += 0.0625)
      for (double ra = -0.5; ra < 0.5; ra += 0.0625) {
        const bool observed = mask->observes({ra, dec});
        across += observed ? 1.0 : 0.0;
        total += 1.0;
        REQUIRE(mask->observes({ra + 360.0, dec}) == observed);
        REQUIRE(mask->observes({ra - 360.0, dec}) == observed);
      }
    REQUIRE(mask->observes({300.5, -51.0}) == mask->observes({-59.5, -51.0}));
    REQUIRE(mask->observes({104.0, -56.0}) == mask->observes({-256.0, -56.0}));
  }
  CHECK(across / total == Approx(0.927).margin(0.02));
}

TEST_CASE("the DES-like mask answers the same in any order") {
  const HealpixGrid grid(128);
  const auto mask = simulate::des_like_mask(7);
  const auto forward = observed_pixels(grid, *mask);
  const auto other = simulate::des_like_mask(8);
  for (std::uint64_t p = grid.pixels(); p-- > 0;) {
    (void)other->observes(grid.centre(p));
    REQUIRE(mask->observes(grid.centre(p)) == forward[p]);
  }
  CHECK((observed_pixels(grid, *simulate::des_like_mask(7)) == forward));
}

TEST_CASE("a meridian meets the holes of the DES-like mask as often and as long as their sizes say") {
  // Discs at random: the way to the next is exponential with the rate 2 n <r>. With n r^-3 up to a largest
  // radius, where the rest is, <r> = 2 a - a^2 / b.
  const double stars = 2.0 * 2.88 * (2.0 * 2.0 - 4.0 / 12.0) / 60.0;
  const double large = 2.0 * 0.0275 * (2.0 * 0.3 - 0.09 / 1.2);
  constexpr double step = 0.25 / 60.0;
  double entries = 0.0, observed = 0.0, longest = 0.0, long_ones = 0.0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto mask = simulate::des_like_mask(seed);
    for (double ra = -25.0; ra < 55.0; ra += 2.0) {
      double hole = -1.0;  // its length so far, if it began on this meridian
      bool before = false;
      for (double dec = -58.0; dec < -32.0; dec += step) {
        const bool now = mask->observes({ra, dec});
        if (before && !now) entries += 1.0;
        if (before && !now) hole = 0.0;
        if (!now && hole >= 0.0) hole += step;
        if (now && hole > 0.6) long_ones += 1.0;
        longest = std::max(longest, hole);
        if (now) hole = -1.0;
        if (now) observed += step;
        before = now;
      }
    }
  }
  CHECK(entries / observed == Approx(stars + large).epsilon(0.06));
  // Only a large disc has a chord c of more than 0.6 degrees: 2 n times the mean of sqrt(r^2 - (c/2)^2),
  // which is a (t - sin t cos t) + (a / b)^2 sqrt(b^2 - a^2) with cos t = a / b and a = c/2.
  const double t = std::acos(0.3 / 1.2);
  const double long_chords =
      2.0 * 0.0275 * (0.3 * (t - std::sin(t) * std::cos(t)) + std::sqrt(1.44 - 0.09) / 16.0);
  CHECK(long_ones / observed == Approx(long_chords).epsilon(0.25));
  CHECK(longest > 1.2);
  CHECK(longest < 4.0);
}

TEST_CASE("no hole of the DES-like mask ends at the border of a HEALPix pixel") {
  // Of pixels of any size up to 64 the borders are those of pixels of nside 64, too.
  const HealpixGrid grid(64);
  const RandomStream stream(1, Purpose::test);
  const Outline outline(100);
  std::vector<SkyPosition> border, middle;
  for (std::uint64_t p = 0; p < grid.pixels(); ++p)
    for (std::uint32_t draw = 0; draw < 8; ++draw) {
      const auto [u, v] = stream.uniforms(p, draw);
      const double edge = 0.02 * u + (draw % 2 == 0 ? 0.0 : 0.98);
      const SkyPosition at_edge = draw < 4 ? grid.within(p, edge, v) : grid.within(p, v, edge),
                        inside = grid.within(p, 0.3 + 0.4 * u, 0.3 + 0.4 * v);
      if (!outline.holds(at_edge) || !outline.holds(inside)) continue;
      border.push_back(at_edge);
      middle.push_back(inside);
    }
  double lost_border = 0.0, lost_middle = 0.0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const auto mask = simulate::des_like_mask(seed);
    for (std::size_t i = 0; i < border.size(); ++i) {
      lost_border += mask->observes(border[i]) ? 0.0 : 1.0;
      lost_middle += mask->observes(middle[i]) ? 0.0 : 1.0;
    }
  }
  CHECK(lost_border == Approx(lost_middle).epsilon(0.08));
}

TEST_CASE("a HEALPix mask observes where its map is above one half") {
  const HealpixGrid grid(4);
  io::HealpixMap whole{4, {}, {}}, part{4, {}, {}};
  const double values[] = {1.0, 0.5, no_value, 0.51, -3.0};
  for (std::uint64_t p = 0; p < grid.pixels(); ++p) {
    whole.values.push_back(values[p % 5]);
    if (p % 7 > 2 || p == 0) continue;
    part.pixels.push_back(p);
    part.values.push_back(values[p % 5]);
  }
  const auto whole_mask = simulate::healpix_mask(whole), part_mask = simulate::healpix_mask(part),
             everything = simulate::full_sky_mask();
  for (std::uint64_t p = 0; p < grid.pixels(); ++p)
    for (const double x : {0.02, 0.5, 0.97})
      for (const double y : {0.03, 0.6}) {
        const SkyPosition sky = grid.within(p, x, y);
        const bool above = p % 5 == 0 || p % 5 == 3;
        REQUIRE(whole_mask->observes(sky) == above);
        REQUIRE(whole_mask->observes({sky.ra - 360.0, sky.dec}) == above);
        REQUIRE(part_mask->observes(sky) == (above && p % 7 <= 2 && p != 0));
        REQUIRE(everything->observes(sky));
      }
  CHECK_THROWS_AS(simulate::healpix_mask({4, {}, std::vector<double>(191)}), ContractViolation);
  CHECK_THROWS_AS(simulate::healpix_mask({4, {1, 2}, {1.0}}), ContractViolation);
  CHECK_THROWS_AS(simulate::healpix_mask({4, {2, 1}, {1.0, 1.0}}), ContractViolation);
}
