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

std::vector<double> local_peaks(const SurveySky& sky, ConstPixels map) {
  constexpr std::uint64_t side = 64;
  const std::vector<double> everywhere(map.size(), 1.0);
  exchange::TiledWork work(sky.comm(), sky.tiling({side, 1, 1}, everywhere), 1, 1);
  std::vector<double> peaks(map.size());
  work.run(map, peaks, [](const exchange::TiledWork::Window& window) {
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
  });
  return peaks;
}

}  // namespace tessera::survey
