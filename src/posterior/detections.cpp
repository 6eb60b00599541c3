#include "posterior/detections.hpp"

#include <algorithm>
#include <tuple>

#include "statistics/sky_statistics.hpp"

namespace tessera::posterior {
namespace {

/// Every rank's detections on every rank.
std::vector<Detection> gathered(const mpi::Communicator& comm, const std::vector<Detection>& found) {
  std::vector<Detection> copies;
  std::vector<std::uint64_t> offset{0};
  for (int rank = 0; rank < comm.size(); ++rank) {
    copies.insert(copies.end(), found.begin(), found.end());
    offset.push_back(copies.size());
  }
  return comm.all_to_all(std::span<const Detection>(copies), std::span<const std::uint64_t>(offset));
}

}  // namespace

std::vector<Detection> find_detections(const harmonic::PlaneBasis& basis, const PlaneGrid& field,
                                       const std::vector<double>& mean, const std::vector<double>& deviation,
                                       const std::vector<double>& probability, double scale_arcmin,
                                       double threshold, double least_probability) {
  std::vector<Detection> found;
  for (const std::size_t p : statistics::extrema_places(basis, mean, true, 0).peaks) {
    const std::uint64_t pixel = basis.first_pixel() + p, x = pixel % basis.nx(), y = pixel / basis.nx();
    // The field's own border has neighbours of which the data say nothing.
    if (x == 0 || y == 0 || x + 1 >= field.nx() || y + 1 >= field.ny()) continue;
    if (!(probability[p] >= least_probability)) continue;
    const PixelPosition place{static_cast<double>(x), static_cast<double>(y)};
    const SkyPosition sky = field.deproject(place);
    found.push_back({sky.ra, sky.dec, place.x, place.y, scale_arcmin, mean[p], deviation[p],
                     mean[p] / deviation[p], threshold, probability[p]});
  }
  std::vector<Detection> detections = gathered(basis.comm(), found);
  std::sort(detections.begin(), detections.end(), [](const Detection& a, const Detection& b) {
    return std::tie(b.signal_to_noise, a.y, a.x) < std::tie(a.signal_to_noise, b.y, b.x);
  });
  return detections;
}

}  // namespace tessera::posterior
