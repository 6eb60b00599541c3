#include "posterior/detections.hpp"

#include <algorithm>
#include <tuple>

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

std::vector<Detection> find_detections(const survey::SurveySky& sky, survey::LocalPeaks& local_peaks,
                                       const std::vector<double>& mean, const std::vector<double>& deviation,
                                       const std::vector<double>& probability, double scale_arcmin,
                                       double threshold, double least_probability) {
  const std::vector<double> peaks = local_peaks(mean);
  std::vector<Detection> found;
  for (std::size_t p = 0; p < mean.size(); ++p) {
    // The field's own border has neighbours of which the data say nothing.
    if (peaks[p] == 0.0 || !sky.is_inner(p) || !(probability[p] >= least_probability)) continue;
    const SkyPosition at = sky.position(p);
    found.push_back({at.ra, at.dec, sky.number(p), scale_arcmin, mean[p], deviation[p],
                     mean[p] / deviation[p], threshold, probability[p]});
  }
  std::vector<Detection> detections = gathered(sky.comm(), found);
  std::sort(detections.begin(), detections.end(), [](const Detection& a, const Detection& b) {
    return std::tie(b.signal_to_noise, a.pixel) < std::tie(a.signal_to_noise, b.pixel);
  });
  return detections;
}

}  // namespace tessera::posterior
