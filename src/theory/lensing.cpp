#include "theory/lensing.hpp"

#include <cmath>

#include "core/error.hpp"
#include "theory/interpolate.hpp"

namespace tessera::theory {
namespace {

constexpr std::size_t distance_steps = 400;

}  // namespace

LensingKernel::LensingKernel(const Background& background, std::span<const double> z,
                             std::span<const double> n) {
  TESSERA_REQUIRE(z.size() == n.size() && z.size() >= 2);
  // Sources on a grid of redshifts fine enough for a narrow n(z).
  constexpr std::size_t points = 2000;
  std::vector<double> source_distance(points), source_weight(points);
  double total = 0.0;
  for (std::size_t i = 0; i < points; ++i) {
    const double at = z.front() + (z.back() - z.front()) * (static_cast<double>(i) + 0.5) / points;
    source_distance[i] = background.distance(at);
    source_weight[i] = interpolate(z, n, at);
    total += source_weight[i];
  }
  if (!(total > 0.0)) fail("the distribution of source redshifts is zero everywhere; give another n(z)");
  const double reach = background.distance(z.back());
  const double scale = 1.5 * background.cosmology().omega_m / (hubble_radius * hubble_radius);
  for (std::size_t i = 0; i <= distance_steps; ++i) {
    const double chi = reach * static_cast<double>(i) / distance_steps;
    double efficiency = 0.0;
    for (std::size_t s = 0; s < points; ++s)
      if (source_distance[s] > chi) efficiency += source_weight[s] * (1.0 - chi / source_distance[s]);
    distance_.push_back(chi);
    weight_.push_back(scale * (1.0 + background.redshift(chi)) * chi * efficiency / total);
  }
}

double LensingKernel::operator()(double distance) const { return interpolate(distance_, weight_, distance); }

std::vector<double> convergence_power(const MatterPower& power, const LensingKernel& kernel,
                                      std::span<const double> ell) {
  std::vector<double> result(ell.size(), 0.0);
  const double step = kernel.reach() / distance_steps;
  for (std::size_t i = 0; i < distance_steps; ++i) {
    const double chi = step * (static_cast<double>(i) + 0.5);
    const double z = power.background().redshift(chi);
    const double weight = kernel(chi) / chi;
    for (std::size_t l = 0; l < ell.size(); ++l)
      result[l] += weight * weight * power.nonlinear((ell[l] + 0.5) / chi, z) * step;
  }
  return result;
}

}  // namespace tessera::theory
