#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "harmonic/plane_basis.hpp"
#include "statistics/sky_average.hpp"

using namespace tessera;
using harmonic::ConstPixels;
using harmonic::PlaneBasis;
using statistics::Border;
using statistics::Curve;

namespace {

constexpr double pixel = 3e-4;

std::vector<double> noise(const PlaneBasis& basis, std::uint32_t realisation) {
  std::vector<double> map(basis.pixel_count());
  basis.white_noise(RandomStream(31, Purpose::test, realisation), harmonic::Pixels(map));
  return map;
}

/// value(x, y) on this rank's pixels.
template <class Value>
std::vector<double> map_of(const PlaneBasis& basis, Value value) {
  std::vector<double> map(basis.pixel_count());
  for (std::size_t p = 0; p < map.size(); ++p)
    map[p] = value(p % basis.nx(), basis.first_row() + p / basis.nx());
  return map;
}

statistics::SkyBins some_bins() {
  return {{50.0, 2000.0, 5000.0, 16000.0},
          {0.0, 2.0 * pixel},
          {2.5 * pixel},
          {-4.0, -1.0, 0.0, 2.0, 5.0},
          0.0,
          {0.5, 1.5},
          {-0.5, -1.0},
          {-3.0, 0.0, 3.0},
          3,
          {-3.0, 0.0, 3.0}};
}

const Curve& curve(const std::vector<Curve>& curves, const std::string& name) {
  for (const Curve& found : curves)
    if (found.name == name) return found;
  throw std::runtime_error("no curve " + name);
}

}  // namespace

TEST_CASE("moments of Gaussian and lognormal noise have their closed forms") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {400, 250}, pixel);
  const std::vector<double> inside(basis.pixel_count(), 1.0);
  const double n = 1e5;
  auto map = noise(basis, 1);
  const auto gaussian = statistics::moments(basis, map, inside);
  CHECK(gaussian.pixels == n);
  CHECK(gaussian.rms == Approx(1.0).epsilon(5.0 / std::sqrt(2.0 * n)));
  CHECK(std::abs(gaussian.skewness) < 5.0 * std::sqrt(6.0 / n));
  CHECK(std::abs(gaussian.kurtosis) < 5.0 * std::sqrt(24.0 / n));

  constexpr double sigma = 0.3, shift = 0.03;
  for (double& value : map) value = shift * (std::exp(sigma * value - 0.5 * sigma * sigma) - 1.0);
  const auto lognormal = statistics::moments(basis, map, inside);
  const double w = std::exp(sigma * sigma);
  CHECK(lognormal.rms == Approx(shift * std::sqrt(w - 1.0)).epsilon(0.02));
  CHECK(lognormal.skewness == Approx((w + 2.0) * std::sqrt(w - 1.0)).epsilon(0.06));
  CHECK(lognormal.kurtosis == Approx(w * w * w * w + 2.0 * w * w * w + 3.0 * w * w - 6.0).epsilon(0.2));
  CHECK(lognormal.s3 == Approx(lognormal.skewness / lognormal.rms));
}

TEST_CASE("moments count the pixels inside only") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {9, 11}, pixel);
  const auto inside = map_of(basis, [](auto x, auto y) { return x < 4 && y < 5 ? 1.0 : 0.0; });
  const auto map = map_of(basis, [](auto x, auto y) { return x < 4 && y < 5 ? (x == 0 ? 4.0 : 0.0) : 1e9; });
  const auto m = statistics::moments(basis, map, inside);  // a quarter 4, the rest 0: deviations 3, -1
  CHECK(m.pixels == 20.0);
  CHECK(m.mean == Approx(1.0));
  CHECK(m.rms == Approx(std::sqrt(3.0)));
  CHECK(m.skewness == Approx(6.0 / std::pow(3.0, 1.5)));
  CHECK(m.kurtosis == Approx(21.0 / 9.0 - 3.0));
  CHECK(m.s3 == Approx(6.0 / 9.0));
  CHECK_THROWS_AS(statistics::moments(basis, inside, inside), Error);
}

TEST_CASE("peaks and minima are found at borders, corners and between ranks") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {10, 9}, pixel);
  const std::uint64_t nx = 10, ny = 9;
  for (std::uint64_t y = 0; y < ny; ++y) {
    for (std::uint64_t x = 0; x < nx; ++x) {
      const double sign = (x + y) % 2 == 0 ? 1.0 : -1.0;
      const auto map = map_of(basis, [&](auto i, auto j) { return i == x && j == y ? sign * 3.5 : 0.25; });
      const auto count = [&](bool periodic, std::uint64_t margin) {
        const auto found = statistics::extrema(basis, map, periodic, margin);
        const auto& expected = sign > 0.0 ? found.peaks : found.minima;
        for (const double value : expected) CHECK(value == sign * 3.5);
        // A plateau is no extremum.
        CHECK(comm.sum(static_cast<std::uint64_t>((sign > 0.0 ? found.minima : found.peaks).size())) == 0);
        return comm.sum(static_cast<std::uint64_t>(expected.size()));
      };
      const auto from_border = std::min({x, y, nx - 1 - x, ny - 1 - y});
      CHECK(count(true, 0) == 1);
      CHECK(count(false, 1) == (from_border >= 1 ? 1 : 0));
      CHECK(count(false, 3) == (from_border >= 3 ? 1 : 0));
    }
  }
}

TEST_CASE("a higher neighbour on any side, also across the border, undoes a peak") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {5, 7}, pixel);
  for (std::uint64_t y = 0; y < 7; ++y) {
    for (std::uint64_t x = 0; x < 5; ++x) {
      if (x == 0 && y == 0) continue;
      const auto map = map_of(basis, [&](auto i, auto j) {
        return i == 0 && j == 0 ? 2.0 : i == x && j == y ? 3.0 : 0.01 * static_cast<double>((3 * i + j) % 2);
      });
      const auto found = statistics::extrema(basis, map, true, 0);
      const auto high =
          std::count_if(found.peaks.begin(), found.peaks.end(), [](double v) { return v > 1.0; });
      const bool adjacent = (x <= 1 || x == 4) && (y <= 1 || y == 6);
      CHECK(comm.sum(static_cast<std::uint64_t>(high)) == (adjacent ? 1 : 2));
    }
  }
}

TEST_CASE("rows of neighbours come from whichever rank has them") {
  CHECK(statistics::inside_index(-1, 5, Border::periodic) == 4);
  CHECK(statistics::inside_index(-1, 5, Border::mirror) == 1);
  CHECK(statistics::inside_index(5, 5, Border::mirror) == 3);
  CHECK(statistics::inside_index(-17, 5, Border::mirror) == 1);
  CHECK(statistics::inside_index(3, 1, Border::mirror) == 0);
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {4, 6}, pixel);
  const auto value = [](std::uint64_t x, std::uint64_t y) { return static_cast<double>(10 * y + x); };
  const auto map = map_of(basis, value);
  for (const Border border : {Border::periodic, Border::mirror}) {
    for (const std::uint64_t reach : {0U, 1U, 4U, 15U}) {
      const auto rows = statistics::with_neighbour_rows(basis, map, reach, border);
      REQUIRE(rows.size() == (basis.local_rows() == 0 ? 0 : (basis.local_rows() + 2 * reach) * 4));
      for (std::size_t p = 0; p < rows.size(); ++p) {
        const auto row =
            static_cast<std::int64_t>(basis.first_row() + p / 4) - static_cast<std::int64_t>(reach);
        CHECK(rows[p] == value(p % 4, statistics::inside_index(row, 6, border)));
      }
    }
  }
}

TEST_CASE("the starlet of a delta is the spline's, and scales add up to the map") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {21, 19}, pixel);
  const std::array<double, 5> spline = {1.0 / 16, 4.0 / 16, 6.0 / 16, 4.0 / 16, 1.0 / 16};
  const auto delta = map_of(basis, [](auto x, auto y) { return x == 1 && y == 18 ? 1.0 : 0.0; });
  const auto starlet = statistics::starlet_transform(basis, delta, 1, Border::periodic);
  const auto weight = [&](std::uint64_t at, std::uint64_t centre, std::uint64_t n) {
    const std::uint64_t offset = (at + n - centre + 2) % n;
    return offset < 5 ? spline[offset] : 0.0;
  };
  const auto expected = map_of(basis, [&](auto x, auto y) {
    return (x == 1 && y == 18 ? 1.0 : 0.0) - weight(x, 1, 21) * weight(y, 18, 19);
  });
  for (std::size_t p = 0; p < expected.size(); ++p)
    CHECK(starlet.detail[0][p] == Approx(expected[p]).margin(1e-15));

  const auto map = noise(basis, 2);
  for (const Border border : {Border::periodic, Border::mirror}) {
    const auto split = statistics::starlet_transform(basis, map, 4, border);
    REQUIRE(split.detail.size() == 4);
    for (std::size_t p = 0; p < map.size(); ++p) {
      double sum = split.smooth[p];
      for (const auto& w : split.detail) sum += w[p];
      CHECK(sum == Approx(map[p]).margin(1e-13));
    }
    // Constants lie in no detail.
    const std::vector<double> constant(map.size(), 0.7);
    for (const auto& w : statistics::starlet_transform(basis, constant, 4, border).detail)
      for (const double value : w) CHECK(std::abs(value) < 1e-14);
  }
}

TEST_CASE("percentiles of values that are spread over ranks") {
  const mpi::Communicator comm;
  // -50, -49, ... 50 without order; a rank may have none.
  std::vector<double> mine;
  for (int i = 0; i <= 100; ++i)
    if ((37 * i) % 101 % comm.size() == comm.rank()) mine.push_back((37 * i) % 101 - 50);
  const std::array<double, 6> percents = {0.0, 1.0, 12.5, 50.0, 99.0, 100.0};
  const auto found = statistics::percentiles(comm, mine, percents);
  for (std::size_t i = 0; i < percents.size(); ++i)
    CHECK(found[i] == Approx(percents[i] - 50.0).margin(1e-12));
}

TEST_CASE("power of a wave lies in its band") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {40, 30}, pixel);
  constexpr double amplitude = 0.02;
  const auto map = map_of(basis, [](auto x, auto) {
    return amplitude * std::cos(2.0 * std::numbers::pi * 5.0 * static_cast<double>(x) / 40.0);
  });
  const std::vector<double> expected(basis.mode_count(), 2.5e-9);
  auto bins = some_bins();
  const double ell = 2.0 * std::numbers::pi * 5.0 / (40.0 * pixel);  // 2618
  REQUIRE((ell > bins.ell[1] && ell < bins.ell[2]));
  const auto curves = statistics::measure_sky(basis, map, expected, bins, true);
  const double total = 0.5 * amplitude * amplitude * basis.pixel_area() * 40.0 * 30.0;
  const auto& power = curve(curves, "power").values;
  const auto& modes = curve(curves, "modes").values;
  CHECK(power[1] * modes[1] == Approx(total));
  CHECK(power[0] < 1e-20);
  CHECK(power[2] < 1e-20);
  CHECK(modes[0] + modes[1] + modes[2] == 40 * 30 - 1);
  for (const double value : curve(curves, "power_expected").values) CHECK(value == Approx(2.5e-9));
  CHECK(curve(curves, "power_ratio").values[1] == Approx(power[1] / 2.5e-9));
  // The Gaussian damps the wave by its transform, the disc by 2 J1(x) / x.
  const auto& rms = curve(curves, "rms").values;
  CHECK(rms[0] == Approx(amplitude / std::numbers::sqrt2));
  CHECK(rms[1] / rms[0] == Approx(std::exp(-0.5 * std::pow(ell * 2.0 * pixel, 2))));
  const double x = ell * 2.5 * pixel;
  CHECK(curve(curves, "top_hat_rms").values[0] / rms[0] == Approx(2.0 * std::cyl_bessel_j(1.0, x) / x));
}

TEST_CASE("without spectrum no ratio; smoothing that leaves no pixel is an error") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {20, 18}, pixel);
  const auto map = noise(basis, 3);
  auto bins = some_bins();
  const auto curves = statistics::measure_sky(basis, map, std::nullopt, bins, false);
  CHECK_THROWS(curve(curves, "power_ratio"));
  CHECK(curve(curves, "pdf").values.size() == 8);
  CHECK(curve(curves, "pdf").columns == 4);
  bins.smoothing.push_back(3.1 * pixel);  // 10 pixels from either border of 18
  CHECK_THROWS_AS(statistics::measure_sky(basis, map, std::nullopt, bins, false), Error);
  CHECK_NOTHROW(statistics::measure_sky(basis, map, std::nullopt, bins, true));
}

TEST_CASE("white noise is flat, periodic or tapered") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {120, 100}, pixel);
  const auto map = noise(basis, 4);
  const std::vector<double> expected(basis.mode_count(), basis.pixel_area());
  for (const bool periodic : {true, false}) {
    const auto curves = statistics::measure_sky(basis, map, expected, some_bins(), periodic);
    const auto& modes = curve(curves, "modes").values;
    const auto& ratio = curve(curves, "power_ratio").values;
    for (std::size_t b = 0; b < ratio.size(); ++b)
      CHECK(ratio[b] == Approx(1.0).epsilon(5.0 * std::sqrt(4.0 / modes[b])));
  }
}

TEST_CASE("the bits of all curves do not depend on the rank count") {
  const mpi::Communicator comm;
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis shared(comm, {33, 26}, pixel), whole(alone, {33, 26}, pixel);
  const std::vector<double> a(shared.mode_count(), 1e-9), b(whole.mode_count(), 1e-9);
  for (const bool periodic : {true, false}) {
    const auto ours = statistics::measure_sky(shared, noise(shared, 5), a, some_bins(), periodic);
    const auto theirs = statistics::measure_sky(whole, noise(whole, 5), b, some_bins(), periodic);
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t c = 0; c < ours.size(); ++c) {
      CHECK(ours[c].name == theirs[c].name);
      CHECK(ours[c].values == theirs[c].values);
    }
  }
}

TEST_CASE("averages over skies and their errors") {
  const mpi::Communicator comm;
  std::vector<std::vector<Curve>> measured(3);
  for (int sky = 0; sky < 3; ++sky)
    if (sky % comm.size() == comm.rank())
      measured[static_cast<std::size_t>(sky)] = {{"one", 0, {1.0 + sky}}, {"two", 2, {1.0 * sky * sky, 7.0}}};
  const auto mean = statistics::average_skies(comm, measured);
  REQUIRE(mean.size() == 2);
  CHECK(mean[0].mean.values[0] == Approx(2.0));
  CHECK(mean[0].error[0] == Approx(1.0 / std::sqrt(3.0)));
  CHECK(mean[1].mean.columns == 2);
  CHECK(mean[1].mean.values == std::vector<double>{5.0 / 3.0, 7.0});
  CHECK(mean[1].error[0] == Approx(std::sqrt((25.0 + 4.0 + 49.0) / 9.0 / 6.0)));
  CHECK(mean[1].error[1] == 0.0);
  measured.resize(1);
  CHECK(std::isnan(statistics::average_skies(comm, measured)[0].error[0]));
}
