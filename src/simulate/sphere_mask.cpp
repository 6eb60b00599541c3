#include "simulate/sphere_mask.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"
#include "sky/healpix_grid.hpp"

namespace tessera::simulate {
namespace {

class FullSkyMask final : public SphereMask {
 public:
  [[nodiscard]] bool observes(SkyPosition /*sky*/) const override { return true; }
};

class HealpixMask final : public SphereMask {
 public:
  explicit HealpixMask(io::HealpixMap map) : grid_(map.nside), pixels_(std::move(map.pixels)) {
    TESSERA_REQUIRE(map.values.size() == (pixels_.empty() ? grid_.pixels() : pixels_.size()));
    TESSERA_REQUIRE(std::is_sorted(pixels_.begin(), pixels_.end()));
    observed_.reserve(map.values.size());
    for (const double value : map.values) observed_.push_back(value > 0.5);
  }

  [[nodiscard]] bool observes(SkyPosition sky) const override {
    const std::uint64_t pixel = grid_.pixel_of(sky);
    if (pixels_.empty()) return observed_[pixel];
    const auto found = std::lower_bound(pixels_.begin(), pixels_.end(), pixel);
    return found != pixels_.end() && *found == pixel &&
           observed_[static_cast<std::size_t>(found - pixels_.begin())];
  }

 private:
  HealpixGrid grid_;
  std::vector<std::uint64_t> pixels_;
  std::vector<bool> observed_;  // a bit each: maps have up to 10^9 pixels
};

struct Direction {
  double x, y, z;
};

Direction to_direction(SkyPosition sky) {
  const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
  return {std::cos(dec) * std::cos(ra), std::cos(dec) * std::sin(ra), std::sin(dec)};
}

double dot(const Direction& a, const Direction& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

struct Disc {
  Direction centre;
  double cosine;  // of the radius

  Disc(SkyPosition sky, double radius_degrees)
      : centre(to_direction(sky)), cosine(std::cos(radius_degrees * radians_per_degree)) {}
  [[nodiscard]] bool holds(const Direction& direction) const { return dot(centre, direction) > cosine; }
};

/// Discs by the cells of a coarse HEALPix grid that they may reach.
class DiscIndex {
 public:
  DiscIndex() {
    for (std::uint64_t nside = 1; nside <= cell_nside; nside *= 2) {
      const HealpixGrid grid(nside);
      Level level{pixel_reach * grid.pixel_radians(), {}};
      for (std::uint64_t pixel = 0; pixel < grid.pixels(); ++pixel)
        level.centres.push_back(to_direction(grid.centre(pixel)));
      levels_.push_back(std::move(level));
    }
    in_cell_.resize(cells_.pixels());
  }

  [[nodiscard]] const HealpixGrid& cells() const { return cells_; }

  void add(SkyPosition centre, double radius_degrees) {
    const Disc disc(centre, radius_degrees);
    std::vector<double> cosines;
    for (const Level& level : levels_)
      cosines.push_back(std::cos(radius_degrees * radians_per_degree + level.reach));
    for (std::uint64_t face = 0; face < 12; ++face) add_below(0, face, disc, cosines);
  }

  /// direction: the same as sky.
  [[nodiscard]] bool hold(SkyPosition sky, const Direction& direction) const {
    const std::vector<Disc>& near = in_cell_[cells_.pixel_of(sky)];
    return std::any_of(near.begin(), near.end(), [&](const Disc& disc) { return disc.holds(direction); });
  }

 private:
  static constexpr std::uint64_t cell_nside = 64;
  static constexpr double pixel_reach =
      1.1;  // from a pixel's centre to its corners, 1.05 of its size at most

  struct Level {
    double reach;  // radians
    std::vector<Direction> centres;
  };

  /// To the cells within a pixel of a level, which may have nothing of the disc.
  void add_below(std::size_t level, std::uint64_t pixel, const Disc& disc,
                 const std::vector<double>& cosines) {
    if (dot(levels_[level].centres[pixel], disc.centre) < cosines[level]) return;
    if (level + 1 == levels_.size()) {
      in_cell_[pixel].push_back(disc);
      return;
    }
    for (std::uint64_t child = 4 * pixel; child < 4 * pixel + 4; ++child)
      add_below(level + 1, child, disc, cosines);
  }

  HealpixGrid cells_{cell_nside};
  std::vector<Level> levels_;  // nside 1, 2, 4 to that of the cells
  std::vector<std::vector<Disc>> in_cell_;
};

/// Holes whose number above a radius r falls as r^-2, up to the largest radius.
struct Holes {
  double per_square_degree;
  double min_radius, max_radius;  // degrees
  std::uint32_t realisation;

  /// Cell by cell, so that each cell's holes are its own.
  void add_to(DiscIndex& index, std::uint64_t seed) const {
    const HealpixGrid& cells = index.cells();
    const double mean = per_square_degree * cells.pixel_area() / (radians_per_degree * radians_per_degree);
    const RandomStream stream(seed, Purpose::sphere_mask, realisation);
    for (std::uint64_t cell = 0; cell < cells.pixels(); ++cell) {
      const auto count = static_cast<std::uint32_t>(stream.poisson(mean, cell));
      for (std::uint32_t hole = 0; hole < count; ++hole) {
        const auto [x, y] = stream.uniforms(cell, 2 * hole + 1);
        const double u = stream.uniforms(cell, 2 * hole + 2)[0];
        index.add(cells.within(cell, x, y), std::min(max_radius, min_radius / std::sqrt(u)));
      }
    }
  }
};

// Of the observed area 4.5 and 2.9 per cent.
constexpr Holes star_holes{2.88, 2.0 / 60.0, 12.0 / 60.0, 0};
constexpr Holes large_holes{0.0275, 0.3, 1.2, 1};

class PatchyMask final : public SphereMask {
 public:
  explicit PatchyMask(std::uint64_t seed) {
    for (const Holes& holes : {star_holes, large_holes, patches}) holes.add_to(holes_, seed);
  }
  [[nodiscard]] bool observes(SkyPosition sky) const override { return !holes_.hold(sky, to_direction(sky)); }

 private:
  static constexpr Holes patches{0.0018, 4.0, 15.0, 2};
  DiscIndex holes_;
};

class DesLikeMask final : public SphereMask {
 public:
  explicit DesLikeMask(std::uint64_t seed) {
    for (const Holes& holes : {star_holes, large_holes}) holes.add_to(holes_, seed);
  }

  [[nodiscard]] bool observes(SkyPosition sky) const override {
    if (!within_outline(sky)) return false;
    const Direction direction = to_direction(sky);
    return !cloud_.holds(direction) && !holes_.hold(sky, direction);
  }

 private:
  /// Corners, whose edges are straight in right ascension and declination; from Stripe 82 clockwise.
  static constexpr std::array<SkyPosition, 30> outline{
      {{-45.0, -2.0},  {-45.0, 2.0},   {-43.0, 3.0},   {43.0, 3.0},    {45.0, 2.0},    {45.0, -2.0},
       {28.0, -4.0},   {31.0, -20.0},  {54.0, -22.5},  {70.0, -28.5},  {82.0, -35.0},  {89.0, -41.0},
       {97.0, -46.0},  {102.0, -53.0}, {105.0, -57.0}, {98.0, -60.0},  {84.0, -65.0},  {65.0, -65.0},
       {45.0, -62.0},  {20.0, -58.5},  {-20.0, -58.5}, {-38.0, -61.0}, {-54.0, -58.0}, {-60.0, -52.0},
       {-57.0, -47.0}, {-46.0, -44.0}, {-30.0, -42.0}, {-28.0, -31.5}, {-2.0, -25.0},  {0.0, -2.0}}};
  static constexpr SkyPosition magellanic_cloud{80.0, -69.0};
  static constexpr double magellanic_radius = 7.0;  // degrees

  [[nodiscard]] static bool within_outline(SkyPosition sky) {
    const double ra = sky.ra - 360.0 * std::floor((sky.ra + 180.0) / 360.0);
    bool inside = false;
    for (std::size_t i = 0, before = outline.size() - 1; i < outline.size(); before = i++) {
      const SkyPosition a = outline[before], b = outline[i];
      if ((a.dec > sky.dec) == (b.dec > sky.dec)) continue;
      if (ra < a.ra + (sky.dec - a.dec) / (b.dec - a.dec) * (b.ra - a.ra)) inside = !inside;
    }
    return inside;
  }

  Disc cloud_{magellanic_cloud, magellanic_radius};
  DiscIndex holes_;
};

}  // namespace

std::unique_ptr<SphereMask> full_sky_mask() { return std::make_unique<FullSkyMask>(); }

std::unique_ptr<SphereMask> healpix_mask(io::HealpixMap map) {
  return std::make_unique<HealpixMask>(std::move(map));
}

std::unique_ptr<SphereMask> des_like_mask(std::uint64_t seed) { return std::make_unique<DesLikeMask>(seed); }

std::unique_ptr<SphereMask> patchy_mask(std::uint64_t seed) { return std::make_unique<PatchyMask>(seed); }

}  // namespace tessera::simulate
