#include "sky/healpix_window.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sky/healpix_grid.hpp"

namespace tessera {
namespace {

constexpr std::size_t orders = 48;     // of the power series of J0
constexpr std::uint64_t divided = 8;   // a pixel's side
constexpr std::uint64_t sampled = 32;  // pixels along the side of a face

struct Vector {
  double x, y, z;
};

Vector to_vector(SkyPosition sky) {
  const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
  return {std::cos(dec) * std::cos(ra), std::cos(dec) * std::sin(ra), std::sin(dec)};
}

/// Means over pairs of places of (c^2 / 4)^k, c their distance in units of `unit`.
std::array<double, orders> pair_moments(const HealpixGrid& grid, double unit) {
  std::array<double, orders> moments{};
  double pairs = 0.0;
  const std::uint64_t per_side = std::min(sampled, grid.nside());
  for (const std::uint64_t face : {0U, 4U})
    for (std::uint64_t j = 0; j < per_side * per_side; ++j) {
      // Around the middles of equal parts of the side, on either side in turn.
      const auto at = [&](std::uint64_t i) {
        const std::uint64_t middle = (2 * i + 1) * grid.nside() / (2 * per_side);
        return per_side < grid.nside() && i % 2 == 0 ? middle - 1 : middle;
      };
      const std::uint64_t pixel = grid.pixel_at({face, at(j % per_side), at(j / per_side)});
      std::vector<Vector> places;
      for (std::uint64_t i = 0; i < divided * divided; ++i) {
        const auto within = [](std::uint64_t k) { return (static_cast<double>(k) + 0.5) / divided; };
        places.push_back(to_vector(grid.within(pixel, within(i % divided), within(i / divided))));
      }
      // Of the twelve faces eight are like the first and four like the other.
      const double weight = face == 0 ? 2.0 : 1.0;
      pairs += weight * static_cast<double>(places.size() * places.size());
      moments[0] += weight * static_cast<double>(places.size());  // a place with itself
      for (std::size_t i = 0; i < places.size(); ++i)
        for (std::size_t k = 0; k < i; ++k) {
          const Vector &a = places[i], &b = places[k];
          const double quarter =
              0.25 * ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y) + (a.z - b.z) * (a.z - b.z)) /
              (unit * unit);
          double power = 2.0 * weight;
          for (double& moment : moments) {
            moment += power;
            power *= quarter;
          }
        }
    }
  for (double& moment : moments) moment /= pairs;
  return moments;
}

}  // namespace

std::vector<double> healpix_window(std::uint64_t nside, std::uint64_t lmax) {
  const HealpixGrid grid(nside);
  const double unit = grid.pixel_radians();
  const std::array<double, orders> moments = pair_moments(grid, unit);
  std::vector<double> window(lmax + 1);
  for (std::uint64_t ell = 0; ell <= lmax; ++ell) {
    const double x = static_cast<double>(ell) * static_cast<double>(ell + 1) * unit * unit;
    double square = 0.0, factor = 1.0;
    for (std::size_t k = 0; k < orders; ++k) {
      square += factor * moments[k];
      factor *= -x / static_cast<double>((k + 1) * (k + 1));
    }
    // The places stand for little squares, whose own window is that of their variance.
    const double inner = x / (24.0 * divided * divided);
    window[ell] = std::sqrt(std::max(square, 0.0)) * std::exp(-inner);
  }
  return window;
}

}  // namespace tessera
