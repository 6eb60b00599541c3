#include "posterior/calibration_field.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/error.hpp"
#include "posterior/predictive.hpp"
#include "statistics/map_spectrum.hpp"

namespace tessera::posterior {
namespace {

constexpr std::uint64_t bands = 10;

std::vector<double> masked_power(const HarmonicBasis& basis, ConstPixels map, ConstPixels mask,
                                 const std::vector<double>& edges) {
  std::vector<double> seen(map.size());
  for (std::size_t p = 0; p < seen.size(); ++p) seen[p] = mask[p] * map[p];
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(seen, modes);
  const std::vector<Complex> ones(modes.size(), 1.0);
  const std::vector<double> count = band_sums(basis, ones, edges);
  std::vector<double> power = band_sums(basis, modes, edges);
  const double share = basis.dot(mask, mask) / static_cast<double>(basis.total_pixels());
  const double norm = basis.pixel_area() * basis.pixel_area() / std::max(share, 1e-300);
  for (std::size_t b = 0; b < power.size(); ++b) power[b] *= norm / count[b];
  return power;
}

}  // namespace

CalibrationField plane_calibration_field(const survey::SurveySky& sky) {
  const auto& basis = dynamic_cast<const harmonic::PlaneBasis&>(sky.basis());
  const auto spectrum = std::make_shared<statistics::MapSpectrum>(basis, false, true, bands);
  // Without the nodes at the ends of the range.
  const auto inner = [](const std::vector<double>& all) {
    return std::vector<double>(all.begin() + 1, all.end() - 1);
  };
  return {&sky,
          {1.0, 2.0, 4.0},
          {0.04, 0.06, 0.08, 0.10},
          inner(spectrum->ell()),
          [spectrum, inner](ConstPixels map, ConstPixels /*mask*/) { return inner((*spectrum)(map)); }};
}

CalibrationField sphere_calibration_field(const survey::SurveySky& sky) {
  // Below, a survey has few modes; and not more bands than there are multipoles.
  const auto highest = static_cast<double>(sky.lmax()) + 0.5, lowest = std::min(8.0, 0.1 * highest);
  std::vector<double> edges, ell;
  for (std::uint64_t b = 0; b <= bands; ++b) {
    const double edge = std::floor(lowest * std::pow(highest / lowest, static_cast<double>(b) / bands)) + 0.5;
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) ell.push_back(0.5 * (edges[b] + edges[b + 1]));
  return {&sky,
          {10.0, 20.0, 40.0},
          {0.008, 0.012, 0.016, 0.020},
          ell,
          [&sky, edges](ConstPixels map, ConstPixels mask) {
            return masked_power(sky.basis(), map, mask, edges);
          }};
}

}  // namespace tessera::posterior
