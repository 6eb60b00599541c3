#include "statistics/starlet.hpp"

#include <algorithm>
#include <array>

namespace tessera::statistics {
namespace {

constexpr std::array<double, 5> spline = {1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0};
constexpr std::int64_t spline_reach = 2;

void smooth_along_rows(std::vector<double>& map, std::uint64_t nx, std::int64_t step, Border border) {
  std::array<std::vector<std::uint64_t>, spline.size()> source;
  for (std::size_t t = 0; t < spline.size(); ++t)
    for (std::uint64_t i = 0; i < nx; ++i)
      source[t].push_back(inside_index(
          static_cast<std::int64_t>(i) + (static_cast<std::int64_t>(t) - spline_reach) * step, nx, border));
  std::vector<double> row(nx);
  for (std::size_t start = 0; start < map.size(); start += nx) {
    for (std::uint64_t i = 0; i < nx; ++i) {
      row[i] = 0.0;
      for (std::size_t t = 0; t < spline.size(); ++t) row[i] += spline[t] * map[start + source[t][i]];
    }
    std::copy(row.begin(), row.end(), map.begin() + static_cast<std::ptrdiff_t>(start));
  }
}

void smooth_along_columns(const harmonic::PlaneBasis& basis, std::vector<double>& map, std::uint64_t step,
                          Border border) {
  const auto rows = with_neighbour_rows(basis, map, spline_reach * step, border);
  std::fill(map.begin(), map.end(), 0.0);
  for (std::size_t t = 0; t < spline.size(); ++t) {
    const std::size_t shift = t * step * basis.nx();
    for (std::size_t p = 0; p < map.size(); ++p) map[p] += spline[t] * rows[shift + p];
  }
}

}  // namespace

Starlet starlet_transform(const harmonic::PlaneBasis& basis, harmonic::ConstPixels map, std::size_t scales,
                          Border border) {
  Starlet result{{}, {map.begin(), map.end()}};
  for (std::size_t j = 0; j < scales; ++j) {
    const std::uint64_t step = std::uint64_t{1} << j;
    std::vector<double> detail = result.smooth;
    smooth_along_rows(result.smooth, basis.nx(), static_cast<std::int64_t>(step), border);
    smooth_along_columns(basis, result.smooth, step, border);
    for (std::size_t p = 0; p < detail.size(); ++p) detail[p] -= result.smooth[p];
    result.detail.push_back(std::move(detail));
  }
  return result;
}

}  // namespace tessera::statistics
