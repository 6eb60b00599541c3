#include <cmath>

#include <catch2/catch.hpp>

#include "harmonic/plane_basis.hpp"
#include "statistics/map_comparison.hpp"

using namespace tessera;
using harmonic::Complex;
using harmonic::PlaneBasis;

namespace {

std::vector<double> noise(const PlaneBasis& basis, std::uint32_t realisation) {
  std::vector<double> map(basis.pixel_count());
  basis.white_noise(RandomStream(8, Purpose::test, realisation), harmonic::Pixels(map));
  return map;
}

}  // namespace

TEST_CASE("statistics of a comparison have their closed forms") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {24, 20}, 1e-3);
  const auto truth = noise(basis, 1);
  std::vector<double> map(truth), mask(truth.size(), 1.0);
  for (double& value : map) value = 2.0 * value + 0.5;
  const auto range = PlaneBasis::ell_range({24, 20}, 1e-3);
  const auto result =
      statistics::compare_maps(basis, map, truth, mask, {range.min, 1000.0, range.max * 1.001});
  CHECK(result.pixels == 480);
  CHECK(result.pearson_r == Approx(1.0));
  const double mean = basis.dot(harmonic::ConstPixels(truth), harmonic::ConstPixels(mask)) / 480.0;
  const double square = result.truth_rms * result.truth_rms;
  CHECK(result.mean_subtracted_rmse == Approx(std::sqrt(square - mean * mean)));
  CHECK(result.rmse == Approx(std::sqrt(square + mean + 0.25)));
  std::uint64_t modes = 0;
  for (const auto& band : result.bands) {
    CHECK(band.power_ratio == Approx(4.0));
    CHECK(band.correlation == Approx(1.0));
    modes += band.modes;
  }
  CHECK(modes == 479);  // all but the mean

  const auto independent =
      statistics::compare_maps(basis, noise(basis, 2), truth, mask, {range.min, range.max * 1.001});
  CHECK(std::abs(independent.pearson_r) < 5.0 / std::sqrt(480.0));
  CHECK(independent.bands[0].power_ratio == Approx(1.0).epsilon(5.0 * std::sqrt(4.0 / 480.0)));
}

TEST_CASE("pixels outside the mask do not count") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {10, 9}, 1e-3);
  const auto truth = noise(basis, 1);
  std::vector<double> mask(truth.size()), map(truth);
  for (std::size_t p = 0; p < mask.size(); ++p) {
    mask[p] = (basis.first_pixel() + p) % 3 == 0 ? 1.0 : 0.0;
    if (mask[p] == 0.0) map[p] = 1e6;
  }
  const auto result = statistics::compare_maps(basis, map, truth, mask, {});
  CHECK(result.pixels == 30);
  CHECK(result.rmse == 0.0);
  CHECK(result.pearson_r == Approx(1.0));
}
