#include "statistics/map_comparison.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::statistics {
namespace {

using harmonic::Complex;
using harmonic::ConstModes;
using harmonic::ConstPixels;

std::vector<double> centred(const harmonic::HarmonicBasis& basis, ConstPixels map, ConstPixels mask,
                            double pixels) {
  const double mean = basis.dot(map, mask) / pixels;
  std::vector<double> out(map.size());
  for (std::size_t p = 0; p < map.size(); ++p) out[p] = mask[p] * (map[p] - mean);
  return out;
}

/// The modes with ell in [min, max), zero elsewhere.
std::vector<Complex> band(const harmonic::HarmonicBasis& basis, const std::vector<Complex>& modes, double min,
                          double max) {
  const auto ell = basis.ell();
  std::vector<Complex> out(modes.size());
  for (std::size_t k = 0; k < modes.size(); ++k)
    if (ell[k] >= min && ell[k] < max) out[k] = modes[k];
  return out;
}

}  // namespace

MapComparison compare_maps(const harmonic::HarmonicBasis& basis, ConstPixels map, ConstPixels truth,
                           ConstPixels mask, const std::vector<double>& band_edges) {
  std::vector<double> inside(mask.size());
  std::transform(mask.begin(), mask.end(), inside.begin(), [](double m) { return m > 0.0 ? 1.0 : 0.0; });
  const double pixels = basis.dot(ConstPixels(inside), ConstPixels(inside));
  if (pixels == 0.0) fail("the mask has no pixel inside; there is nothing to compare");

  std::vector<double> difference(map.size()), masked_map(map.size()), masked_truth(map.size());
  for (std::size_t p = 0; p < map.size(); ++p) {
    difference[p] = inside[p] * (map[p] - truth[p]);
    masked_map[p] = inside[p] * map[p];
    masked_truth[p] = inside[p] * truth[p];
  }
  const std::vector<double> a = centred(basis, map, inside, pixels);
  const std::vector<double> b = centred(basis, truth, inside, pixels);
  const auto dot = [&](const std::vector<double>& f, const std::vector<double>& g) {
    return basis.dot(ConstPixels(f), ConstPixels(g));
  };
  const double aa = dot(a, a), bb = dot(b, b), ab = dot(a, b);
  // What is left of a constant by rounding is no structure.
  constexpr double rounding = 1e-24;
  const bool varies = aa > rounding * dot(masked_map, masked_map),
             truth_varies = bb > rounding * dot(masked_truth, masked_truth);
  if (!varies || !truth_varies)
    fail(
        "{} is constant over the {} pixels inside the mask, so there is nothing to compare; give maps of a "
        "survey",
        varies ? "the truth" : "the map", pixels);
  MapComparison result{static_cast<std::uint64_t>(pixels),
                       std::sqrt(dot(masked_truth, masked_truth) / pixels),
                       std::sqrt(dot(difference, difference) / pixels),
                       std::sqrt(std::max(0.0, aa - 2.0 * ab + bb) / pixels),
                       ab / std::sqrt(aa * bb),
                       {}};

  std::vector<Complex> a_modes(basis.mode_count()), b_modes(basis.mode_count()),
      ones(basis.mode_count(), 1.0);
  basis.synthesis_adjoint(a, a_modes);
  basis.synthesis_adjoint(b, b_modes);
  for (std::size_t i = 0; i + 1 < band_edges.size(); ++i) {
    const auto in_band = [&](const std::vector<Complex>& modes) {
      return band(basis, modes, band_edges[i], band_edges[i + 1]);
    };
    const auto a_band = in_band(a_modes), b_band = in_band(b_modes), one_band = in_band(ones);
    const double map_power = basis.dot(ConstModes(a_band), ConstModes(a_band));
    const double truth_power = basis.dot(ConstModes(b_band), ConstModes(b_band));
    const double cross = basis.dot(ConstModes(a_band), ConstModes(b_band));
    result.bands.push_back({band_edges[i], band_edges[i + 1],
                            static_cast<std::uint64_t>(basis.dot(ConstModes(one_band), ConstModes(one_band))),
                            map_power / truth_power, cross / std::sqrt(map_power * truth_power)});
  }
  return result;
}

}  // namespace tessera::statistics
