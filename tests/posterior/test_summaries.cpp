#include <cmath>
#include <numbers>
#include <numeric>

#include <catch2/catch.hpp>

#include "posterior/calibration.hpp"
#include "posterior/chain_statistics.hpp"
#include "posterior/detections.hpp"
#include "posterior/learned_domain.hpp"
#include "posterior/predictive.hpp"
#include "posterior/sample_summary.hpp"
#include "posterior/scale_significance.hpp"
#include "sky/angles.hpp"
#include "support/small_survey.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using namespace tessera::posterior;
using harmonic::PlaneBasis;

namespace {

/// x_i+1 = rho x_i + noise, of unit variance.
std::vector<double> autoregressive(double rho, std::size_t length, std::uint32_t chain) {
  const RandomStream stream(4, Purpose::test, chain);
  std::vector<double> x{stream.normals(0)[0]};
  for (std::size_t i = 1; i < length; ++i)
    x.push_back(rho * x.back() + std::sqrt(1.0 - rho * rho) * stream.normals(i)[0]);
  return x;
}

/// Probability of a chi^2 as large, of counts that should be equal but for chance.
double uniformity(const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double chi2 = 0.0;
  for (const double count : counts) chi2 += std::pow(count - expected, 2) / expected;
  return chi2_exceeded(chi2, static_cast<double>(counts.size()) - 1.0);
}

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("the learned prior reaches so far from the data and fills their small holes") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {64, 48}, test::pixel);
  std::vector<double> variance(basis.pixel_count());
  const auto observed = [](std::uint64_t x, std::uint64_t y) {
    return x >= 10 && x < 45 && !(x >= 20 && x < 24 && y >= 20 && y < 24);
  };
  for (std::size_t p = 0; p < variance.size(); ++p) {
    const std::uint64_t pixel = basis.first_pixel() + p;
    variance[p] = observed(pixel % 64, pixel / 64) ? 0.1 : 0.0;
  }
  const std::vector<double> domain = learned_domain(basis, variance, 4.0 * test::pixel);
  for (std::size_t p = 0; p < domain.size(); ++p) {
    const std::uint64_t x = (basis.first_pixel() + p) % 64;
    INFO("column " << x);
    REQUIRE(domain[p] == (x >= 6 && x < 49 ? 1.0 : 0.0));
  }
  for (const double value : learned_domain(basis, std::vector<double>(variance.size(), 0.0), 0.01))
    REQUIRE(value == 0.0);
}

TEST_CASE("effective samples of autoregressive chains are n (1 - rho) / (1 + rho)") {
  constexpr std::size_t length = 4000;
  for (const double rho : {-0.3, 0.0, 0.5, 0.9}) {
    ChainSeries chains;
    for (std::uint32_t c = 0; c < 4; ++c) chains.push_back(autoregressive(rho, length, c));
    const double expected = 4.0 * length * (1.0 - rho) / (1.0 + rho);
    INFO("rho " << rho);
    CHECK(effective_samples(chains) == Approx(expected).epsilon(0.15));
    CHECK(split_r_hat(chains) == Approx(1.0).margin(0.01));
  }
}

TEST_CASE("R-hat sees chains that disagree and chains that drift") {
  ChainSeries apart, drifting;
  for (std::uint32_t c = 0; c < 2; ++c) {
    apart.push_back(autoregressive(0.0, 400, c));
    drifting.push_back(autoregressive(0.0, 400, c));
    for (std::size_t i = 0; i < 400; ++i) {
      apart.back()[i] += 2.0 * c;
      drifting.back()[i] += 4.0 * static_cast<double>(i) / 400.0;
    }
  }
  // Between halves of variance 1 apart by 2 lies a variance of 1 (times 4/3 for four halves).
  CHECK(split_r_hat(apart) == Approx(std::sqrt(1.0 + 4.0 / 3.0)).epsilon(0.05));
  CHECK(split_r_hat(drifting) > 1.3);
  CHECK(std::isnan(split_r_hat({{1.0, 2.0, 3.0}})));
  CHECK(split_r_hat({{1.0, 1.0, 1.0, 1.0}}) == 1.0);
}

TEST_CASE("moments, quantiles and parts above of samples are their definitions") {
  SampleSummary summary(3);
  // Pixel p: values p + {0, 1, 2, 3, 10}.
  for (const double value : {10.0, 0.0, 2.0, 3.0, 1.0})
    summary.add(std::vector<double>{value, value + 1.0, value + 2.0});
  for (std::size_t p = 0; p < 3; ++p) {
    const auto shift = static_cast<double>(p);
    CHECK(summary.mean()[p] == Approx(3.2 + shift));
    CHECK(summary.deviation()[p] == Approx(std::sqrt(15.7)));
    // Differences -3.2, -2.2, -1.2, -0.2, 6.8: <d^3> = 53.856, <d^2> = 12.56.
    CHECK(summary.skewness()[p] == Approx(53.856 / std::pow(12.56, 1.5)));
    CHECK(summary.quantile(0.5)[p] == Approx(2.0 + shift));
    CHECK(summary.quantile(0.9)[p] == Approx(7.2 + shift));
    CHECK(summary.quantile(0.0)[p] == Approx(shift));
    CHECK(summary.quantile(1.0)[p] == Approx(10.0 + shift));
  }
  CHECK(summary.part_above(2.5) == std::vector<double>{0.4, 0.6, 0.8});
}

TEST_CASE("residuals that are noise pass the predictive tests, others do not") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {40, 36}, test::pixel);
  const std::size_t n = basis.pixel_count();
  std::vector<Complex> kappa(basis.mode_count());
  basis.white_noise(RandomStream(8, Purpose::test, 0), Modes(kappa));
  for (std::size_t k = 0; k < kappa.size(); ++k) kappa[k] *= test::pixel;
  std::vector<double> data(2 * n), variance(2 * n), noise(2 * n);
  for (std::uint32_t d = 0; d < 2; ++d)
    basis.white_noise(RandomStream(8, Purpose::test, 1 + d), Pixels(noise).subspan(d * n, n));
  inference::ShearOperator(basis).apply(kappa, data);
  double observed = 0.0;
  for (std::size_t i = 0; i < 2 * n; ++i) {
    const std::uint64_t place = basis.first_pixel() + i % n;
    variance[i] = place % 3 == 0 ? 0.0 : 0.04 + 0.01 * static_cast<double>(place % 5);
    data[i] = variance[i] > 0.0 ? data[i] + std::sqrt(variance[i]) * noise[i] : 0.0;
    observed += variance[i] > 0.0 ? 1.0 : 0.0;
  }
  std::vector<double> edges{200.0, 1000.0, 2000.0, 3200.0};
  PredictiveTests tests(basis, data, variance, edges);
  CHECK(tests.degrees_of_freedom() == comm.sum(observed));
  const auto good = tests(kappa);
  const double p = chi2_exceeded(good.chi2, tests.degrees_of_freedom());
  CHECK(p > 1e-3);
  CHECK(p < 1.0 - 1e-3);
  for (std::size_t b = 0; b < 3; ++b) {
    CHECK(std::abs(good.e_power[b] - 1.0) < 4.0 * tests.expected_scatter()[b]);
    CHECK(std::abs(good.b_power[b] - 1.0) < 4.0 * tests.expected_scatter()[b]);
  }
  // Without the field the residual holds it: more power, in the E mode only.
  const auto bad = tests(std::vector<Complex>(kappa.size()));
  CHECK(chi2_exceeded(bad.chi2, tests.degrees_of_freedom()) < 1e-6);
  CHECK(bad.e_power[1] > 1.0 + 10.0 * tests.expected_scatter()[1]);
  CHECK(bad.e_power[1] > 1.5 * bad.b_power[1]);
}

TEST_CASE("chi^2 probabilities are those of the distribution") {
  // Tables: chi^2 of 100 degrees exceeds 118.498 and 135.807 with probability 0.1 and 0.01.
  CHECK(chi2_exceeded(118.498, 100.0) == Approx(0.1).epsilon(0.01));
  CHECK(chi2_exceeded(135.807, 100.0) == Approx(0.01).epsilon(0.02));
}

TEST_CASE("detections are where structures were planted, with their probability") {
  const mpi::Communicator comm;
  const PlaneGrid field({150.0, 2.0}, 40, 31, 1.0);
  const auto survey = survey::plane_sky(comm, field, {60, 49});
  const auto& basis = dynamic_cast<const PlaneBasis&>(survey->basis());
  const double scale = 2.0 * radians_per_arcmin;
  constexpr double height = 0.2, threshold = 0.06;
  struct Place {
    std::uint64_t x, y;
  };
  const std::vector<Place> planted{{7, 5}, {30, 22}, {20, 12}, {50, 40}};  // the last beyond the field
  ScaleSignificance significance(basis, scale, threshold);
  ScaleSums sums(basis.pixel_count());
  constexpr int samples = 8;
  for (int s = 0; s < samples; ++s) {
    std::vector<double> map(basis.pixel_count());
    for (std::size_t i = 0; i < planted.size(); ++i) {
      const std::uint64_t p = planted[i].y * basis.nx() + planted[i].x;
      if (p < basis.first_pixel() || p >= basis.first_pixel() + map.size()) continue;
      // Heights over 2 pi (scale / pixel)^2 once smoothed; the third is there in half of the samples.
      const bool there = i != 2 || s % 2 == 0;
      map[p - basis.first_pixel()] = there ? height * (8.0 - static_cast<double>(i)) + 0.1 * s : 0.0;
    }
    std::vector<Complex> modes(basis.mode_count());
    basis.synthesis_adjoint(map, modes);
    for (Complex& mode : modes) mode *= basis.pixel_area();
    significance.add(modes, sums);
  }
  survey::LocalPeaks local_peaks(*survey, std::vector<double>(basis.pixel_count(), 1.0));
  const auto found = find_detections(*survey, local_peaks, sums.mean(), sums.deviation(), sums.probability(),
                                     2.0, threshold, 0.9);
  REQUIRE(found.size() == 1);
  CHECK(found[0].pixel == 5 * 40 + 7);
  CHECK(found[0].probability == 1.0);
  const double peak = 1.0 / (2.0 * std::numbers::pi * 4.0);
  CHECK(found[0].kappa == Approx((8.0 * height + 0.35) * peak).epsilon(1e-3));
  CHECK(found[0].deviation == Approx(0.1 * std::sqrt(6.0) * peak).epsilon(1e-3));
  CHECK(found[0].signal_to_noise == Approx(found[0].kappa / found[0].deviation));
  const SkyPosition sky = field.deproject({7.0, 5.0});
  CHECK(found[0].ra == sky.ra);
  CHECK(found[0].dec == sky.dec);
  // The second is above in 6 of 8 samples, the third in 2; nothing lies beyond the field.
  const auto more = find_detections(*survey, local_peaks, sums.mean(), sums.deviation(), sums.probability(),
                                    2.0, threshold, 0.2);
  REQUIRE(more.size() == 3);
  CHECK(more[1].probability + more[2].probability == 1.0);
}

namespace {

/// Surveys with a posterior of deviation 0.01 that samples take for `width` times as wide.
void check_calibration(const CalibrationField& calibrated, const std::vector<double>& mask, double width,
                       const std::vector<std::string>& quantities) {
  const mpi::Communicator comm;
  const harmonic::HarmonicBasis& field = calibrated.sky->basis();
  const std::size_t n = field.pixel_count();
  constexpr std::size_t samples = 9;
  Calibration calibration(calibrated, samples, 32, 3);
  for (std::uint32_t survey = 0; survey < 32; ++survey) {
    // Ranks share the surveys, two of which fail.
    if (survey % static_cast<std::uint32_t>(comm.size()) != static_cast<std::uint32_t>(comm.rank()) ||
        survey == 4 || survey == 31)
      continue;
    const auto noise = [&](std::uint32_t which, double scale, const std::vector<double>& about) {
      std::vector<double> map(n);
      field.white_noise(RandomStream(9, Purpose::test, survey * 32 + which), Pixels(map));
      for (std::size_t p = 0; p < n; ++p) map[p] = about[p] + scale * map[p];
      return map;
    };
    const std::vector<double> zero(n, 0.0), centre = noise(0, 0.02, zero);
    CalibrationSurvey mock{{noise(1, 0.01, centre), centre, noise(2, 0.03, zero), {}}, mask, centre, {}};
    for (std::uint32_t s = 0; s < samples; ++s)
      mock.maps.samples.push_back(noise(3 + s, width * 0.01, centre));
    // Where there are no data nothing is looked at but the width there.
    for (std::size_t p = 0; p < n; ++p)
      if (mask[p] == 0.0) mock.maps.truth[p] = 10.0 * (p % 2 == 0 ? 1.0 : -1.0);
    calibration.add(survey, mock);
  }
  calibration.collect(comm);
  CHECK(calibration.missing() == std::vector<std::size_t>{4, 31});
  REQUIRE(calibration.figures().size() == 30);
  const auto names = calibration.figure_names();
  const auto mean_figure = [&](const std::string& name) {
    const auto place = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    double sum = 0.0;
    for (const auto& row : calibration.figures()) sum += row.at(place) / 30.0;
    return sum;
  };
  REQUIRE(calibration.figures()[0].size() == names.size());
  CHECK(mean_figure("z_deviation") == Approx(1.0 / width).epsilon(0.015));
  CHECK(mean_figure("z_many") == Approx(1.0 / width).epsilon(0.03));
  CHECK(mean_figure("spread") == Approx(1.0 / width).epsilon(0.015));
  CHECK(mean_figure("rmse") == Approx(0.01).epsilon(0.02));
  const double observed = std::accumulate(mask.begin(), mask.end(), 0.0);
  CHECK(mean_of(calibration.ranks().at("pixel")) == Approx(30.0 * observed / (samples + 1.0)));
  for (const std::string& quantity : quantities) {
    INFO(quantity << ", width " << width);
    const double p = uniformity(calibration.ranks().at(quantity));
    CHECK((width == 1.0 ? p > 1e-3 : p < 1e-3));
  }
}

}  // namespace

TEST_CASE("calibration tells a posterior that is right from one that is too narrow, on the plane") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const auto sky = survey::plane_sky(alone, PlaneGrid({0.0, 0.0}, 24, 24, 1.0), {24, 24});
  for (const double width : {1.0, 0.7})
    check_calibration(plane_calibration_field(*sky), std::vector<double>(sky->basis().pixel_count(), 1.0),
                      width, {"pixel", "1 arcmin", "2 arcmin"});
}

TEST_CASE(
    "calibration tells a posterior that is right from one that is too narrow, on a part of the sphere") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const auto sky = survey::sphere_sky(alone, 8, 16, 1);
  std::vector<double> mask(sky->basis().pixel_count());
  for (std::size_t p = 0; p < mask.size(); ++p) mask[p] = sky->position(p).dec < 20.0 ? 1.0 : 0.0;
  for (const double width : {1.0, 0.7})
    check_calibration(sphere_calibration_field(*sky), mask, width, {"pixel"});
}

TEST_CASE("calibration's power on a part of the sphere is that of white noise") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const auto sky = survey::sphere_sky(alone, 16, 32, 1);
  const CalibrationField field = sphere_calibration_field(*sky);
  std::vector<double> mask(sky->basis().pixel_count()), sum(field.ell.size());
  for (std::size_t p = 0; p < mask.size(); ++p) mask[p] = sky->position(p).dec < 20.0 ? 1.0 : 0.0;
  constexpr std::uint32_t maps = 64;
  for (std::uint32_t i = 0; i < maps; ++i) {
    std::vector<double> map(mask.size());
    sky->basis().white_noise(RandomStream(4, Purpose::test, i), Pixels(map));
    const std::vector<double> power = field.power(map, mask);
    for (std::size_t b = 0; b < sum.size(); ++b) sum[b] += power[b] / maps;
  }
  // White noise of unit variance in a pixel has C_l = area of a pixel; a band's scatter: its modes, the
  // share.
  CHECK(field.ell.back() > 25.0);
  for (std::size_t b = 0; b < sum.size(); ++b) {
    INFO("ell " << field.ell[b]);
    CHECK(sum[b] / sky->basis().pixel_area() ==
          Approx(1.0).epsilon(4.0 * std::sqrt(2.0 / (maps * 0.67 * 2.0 * field.ell[b]))));
  }
}
