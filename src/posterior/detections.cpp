#include "posterior/detections.hpp"

#include <algorithm>
#include <tuple>

#include "statistics/neighbour_rows.hpp"

namespace tessera::posterior {
namespace {

constexpr std::size_t columns = 10;

std::vector<double> row_of(const Detection& d) {
  return {d.ra,        d.dec,        d.x, d.y, d.scale, d.kappa, d.deviation, d.signal_to_noise,
          d.threshold, d.probability};
}

/// Every rank's rows on every rank.
std::vector<double> gathered(const mpi::Communicator& comm, const std::vector<double>& rows) {
  std::vector<double> copies;
  std::vector<std::uint64_t> offset{0};
  for (int rank = 0; rank < comm.size(); ++rank) {
    copies.insert(copies.end(), rows.begin(), rows.end());
    offset.push_back(copies.size());
  }
  return comm.all_to_all(std::span<const double>(copies), std::span<const std::uint64_t>(offset));
}

}  // namespace

std::vector<Detection> find_detections(const harmonic::PlaneBasis& basis, const PlaneGrid& field,
                                       const std::vector<double>& mean, const std::vector<double>& deviation,
                                       const std::vector<double>& probability, double scale_arcmin,
                                       double threshold, double least_probability) {
  const std::uint64_t nx = basis.nx();
  const std::vector<double> around =
      statistics::with_neighbour_rows(basis, mean, 1, statistics::Border::periodic);
  std::vector<double> rows;
  for (std::uint64_t row = 0; row < basis.local_rows(); ++row) {
    const std::uint64_t y = basis.first_row() + row;
    if (y == 0 || y + 1 >= field.ny()) continue;
    for (std::uint64_t x = 1; x + 1 < field.nx(); ++x) {
      const std::size_t p = row * nx + x;
      const double* const centre = around.data() + (row + 1) * nx + x;
      bool peak = probability[p] >= least_probability;
      for (const std::ptrdiff_t dy : {-1, 0, 1})
        for (const std::ptrdiff_t dx : {-1, 0, 1})
          peak =
              peak && ((dy == 0 && dx == 0) || centre[dy * static_cast<std::ptrdiff_t>(nx) + dx] < *centre);
      if (!peak) continue;
      const PixelPosition place{static_cast<double>(x), static_cast<double>(y)};
      const SkyPosition sky = field.deproject(place);
      const std::vector<double> found =
          row_of({sky.ra, sky.dec, place.x, place.y, scale_arcmin, mean[p], deviation[p],
                  mean[p] / deviation[p], threshold, probability[p]});
      rows.insert(rows.end(), found.begin(), found.end());
    }
  }
  const std::vector<double> all = gathered(basis.comm(), rows);
  std::vector<Detection> detections;
  for (std::size_t i = 0; i + columns <= all.size(); i += columns)
    detections.push_back({all[i], all[i + 1], all[i + 2], all[i + 3], all[i + 4], all[i + 5], all[i + 6],
                          all[i + 7], all[i + 8], all[i + 9]});
  std::sort(detections.begin(), detections.end(), [](const Detection& a, const Detection& b) {
    return std::tie(b.signal_to_noise, a.y, a.x) < std::tie(a.signal_to_noise, b.y, b.x);
  });
  return detections;
}

}  // namespace tessera::posterior
