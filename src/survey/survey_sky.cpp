#include "survey/survey_sky.hpp"

#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace tessera::survey {

double SurveySky::pixel_radians() const { return std::sqrt(basis().pixel_area()); }

std::uint64_t SurveySky::stored_pixels() const {
  const auto& extent = shape().extent;
  return std::accumulate(extent.begin(), extent.end(), std::uint64_t{1}, std::multiplies<>());
}

std::vector<double> SurveySky::watched(ConstPixels map) const {
  const std::uint64_t first = basis().first_pixel();
  std::vector<double> values;
  for (const std::uint64_t place : places_)
    values.push_back(place >= first && place < first + map.size() ? map[place - first] : 0.0);
  comm().sum(std::span(values));  // one rank has each
  return values;
}

namespace {

constexpr exchange::TileNeeds peak_tiles{64, 1, 1};

/// Peaks of a tile, of whose window the halo is one pixel.
void mark_peaks(const exchange::TiledWork::Window& window) {
  const auto values = window.input(0);
  const auto out = window.output(0);
  const std::uint64_t width = window.tile().width;
  for (std::uint64_t y = 0; y < window.tile().core_height; ++y)
    for (std::uint64_t x = 0; x < window.tile().core_width; ++x) {
      const double here = values[(y + 1) * width + x + 1];
      bool peak = true;
      for (std::uint64_t j = y; j <= y + 2; ++j)
        for (std::uint64_t i = x; i <= x + 2; ++i)
          peak = peak && (values[j * width + i] < here || (i == x + 1 && j == y + 1));
      out[y * window.tile().core_width + x] = peak ? 1.0 : 0.0;
    }
}

}  // namespace

LocalPeaks::LocalPeaks(const SurveySky& sky, ConstPixels where)
    : work_(sky.comm(), sky.tiling(peak_tiles, where), 1, 1) {}

std::vector<double> LocalPeaks::operator()(ConstPixels map) {
  std::vector<double> peaks(map.size());
  work_.run(map, peaks, mark_peaks);
  return peaks;
}

}  // namespace tessera::survey
