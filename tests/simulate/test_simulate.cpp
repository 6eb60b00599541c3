#include <algorithm>
#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "catalogue/binning.hpp"
#include "simulate/mock_catalogue.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using harmonic::Complex;
using harmonic::PlaneBasis;

namespace {

const PlaneGrid field({150.0, 2.0}, 33, 28, 3.0);
const PaddedBox box{40, 36};

theory::PowerSpectrum spectrum() { return {{10.0, 1e5}, {1e-7, 1e-11}, "test"}; }

inference::SignalCovariance covariance(const PlaneBasis& basis) { return {basis, {spectrum()}, true}; }

/// Mean over realisations of |a_k|^2 / S_k, averaged over all modes but the mean.
template <class Draw>
double power_ratio(const PlaneBasis& basis, const inference::SignalCovariance& signal, int realisations,
                   Draw draw) {
  double sum = 0.0;
  std::size_t count = 0;
  std::vector<Complex> modes(basis.mode_count());
  for (int r = 0; r < realisations; ++r) {
    basis.synthesis_adjoint(draw(r), modes);
    for (std::size_t k = 0; k < modes.size(); ++k) {
      if (basis.ell()[k] == 0.0) continue;
      const double root = signal.root(0, 0, k);
      sum += std::norm(basis.pixel_area() * modes[k]) / (root * root);
      ++count;
    }
  }
  return sum / static_cast<double>(count);
}

}  // namespace

TEST_CASE("Gaussian and lognormal skies have the requested power") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, box, field.pixel_radians());
  const auto signal = covariance(basis);
  const auto seed = [](int r) { return static_cast<std::uint64_t>(r); };
  // 756 modes a sky, each with relative variance 1 (Gaussian); lognormal modes scatter a little more.
  CHECK(power_ratio(basis, signal, 100, [&](int r) {
          return simulate::gaussian_kappa(basis, signal, seed(r));
        }) == Approx(1.0).epsilon(5.0 / std::sqrt(75600.0)));
  CHECK(power_ratio(basis, signal, 100, [&](int r) {
          return simulate::lognormal_kappa(basis, signal, 0.02, seed(r));
        }) == Approx(1.0).epsilon(0.04));
}

TEST_CASE("a lognormal sky is bounded, has mean zero and the skewness of its shift") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, box, field.pixel_radians());
  const auto signal = covariance(basis);
  const double shift = 0.02;
  double lowest = 0.0, m1 = 0.0, m2 = 0.0, m3 = 0.0, n = 0.0;
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    for (const double kappa : simulate::lognormal_kappa(basis, signal, shift, seed)) {
      lowest = std::min(lowest, kappa);
      m1 += kappa;
      m2 += kappa * kappa;
      m3 += kappa * kappa * kappa;
      n += 1.0;
    }
  const double variance = m2 / n;
  // Of a shifted lognormal: 3 s + s^3 in s = sigma / shift.
  const double s = std::sqrt(variance) / shift;
  CHECK(lowest > -shift - 0.3 * shift);  // the mean of the box is taken out, so the bound shifts a little
  CHECK(lowest < -0.5 * shift);
  CHECK(std::abs(m1 / n) < 1e-4);
  CHECK(m3 / n / std::pow(variance, 1.5) == Approx(3.0 * s + s * s * s).epsilon(0.2));
}

TEST_CASE("skies and catalogues have the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const PlaneBasis basis(comm, box, field.pixel_radians()), serial(alone, box, field.pixel_radians());
  const auto sky = simulate::with_shear(basis, simulate::lognormal_kappa(basis, covariance(basis), 0.03, 7));
  const auto whole =
      simulate::with_shear(serial, simulate::lognormal_kappa(serial, covariance(serial), 0.03, 7));
  for (std::size_t p = 0; p < sky.kappa.size(); ++p) {
    REQUIRE(sky.kappa[p] == whole.kappa[basis.first_pixel() + p]);
    REQUIRE(sky.gamma2[p] == whole.gamma2[basis.first_pixel() + p]);
  }
  const auto mask = simulate::cosmos_like_mask(field, 7);
  const auto mine = simulate::draw_galaxies(basis, field, sky, *mask, 0.5, {0.3, true}, 7);
  const auto all = simulate::draw_galaxies(serial, field, whole, *mask, 0.5, {0.3, true}, 7);
  const std::uint64_t first = comm.exclusive_scan(mine.ra.size());
  REQUIRE(comm.sum(static_cast<std::uint64_t>(mine.ra.size())) == all.ra.size());
  for (std::size_t i = 0; i < mine.ra.size(); ++i) {
    REQUIRE(mine.ra[i] == all.ra[first + i]);
    REQUIRE(mine.e1[i] == all.e1[first + i]);
    REQUIRE(mine.e2[i] == all.e2[first + i]);
  }
}

TEST_CASE("drawn galaxies have the density, the mask and the dispersion asked for, and carry the shear") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, box, field.pixel_radians());
  const auto sky = simulate::with_shear(basis, simulate::gaussian_kappa(basis, covariance(basis), 3));
  const auto everywhere = simulate::full_mask();
  const auto mock = simulate::draw_galaxies(basis, field, sky, *everywhere, 5.0, {0.3, false}, 3);
  const double expected = 5.0 * 33 * 28 * 9.0;
  CHECK(std::abs(static_cast<double>(mock.ra.size()) - expected) < 5.0 * std::sqrt(expected));

  const auto noiseless = simulate::draw_galaxies(basis, field, sky, *everywhere, 5.0, {0.0, false}, 3);
  std::vector<double> intrinsic;
  for (std::size_t i = 0; i < mock.ra.size(); ++i) intrinsic.push_back((mock.e1[i] - noiseless.e1[i]) / 0.3);
  CHECK(test::kolmogorov_smirnov_p(intrinsic, test::normal_cdf) > 1e-3);

  // Binned again without noise the shear of the sky comes back, through both rotations of the frame.
  catalogue::ShearCatalogue c{noiseless.ra,
                              noiseless.dec,
                              noiseless.e1,
                              noiseless.e2,
                              noiseless.weight,
                              std::vector<double>(noiseless.ra.size(), 1.0),
                              {}};
  c.counts.total = c.ra.size();
  const auto maps = catalogue::bin_galaxies(alone, c, PlanePixels(field, box, 1), 0.3);
  for (std::size_t p = 0; p < maps.count.size(); ++p) {
    if (maps.count[p] == 0.0) continue;
    REQUIRE(maps.gamma1[p] == Approx(sky.gamma1[p]).margin(1e-12));
    REQUIRE(maps.gamma2[p] == Approx(sky.gamma2[p]).margin(1e-12));
  }
}

TEST_CASE("turned galaxies keep position, weight and |e|, lose their direction, and carry the shear") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, box, field.pixel_radians());
  const auto sky = simulate::with_shear(basis, simulate::gaussian_kappa(basis, covariance(basis), 3));
  catalogue::ShearCatalogue real;
  const RandomStream stream(1, Purpose::test);
  constexpr std::uint64_t n = 3000;
  for (std::uint64_t i = 0; i < n; ++i) {
    if (i * static_cast<std::uint64_t>(comm.size()) / n != static_cast<std::uint64_t>(comm.rank())) continue;
    const auto [u, v] = stream.uniforms(i);
    const auto place = field.deproject({33.0 * u - 0.5, 28.0 * v - 0.5});
    real.ra.push_back(place.ra);
    real.dec.push_back(place.dec);
    real.e1.push_back(0.3);
    real.e2.push_back(0.4);
    real.weight.push_back(static_cast<double>(i));
    real.response.push_back(1.0);
  }
  const auto mock =
      simulate::turn_galaxies(comm, PlanePixels(field, box, comm.size()), sky, real, {0.0, false}, 3);
  REQUIRE(mock.ra.size() == real.ra.size());
  auto blank = sky;
  for (auto* map : {&blank.gamma1, &blank.gamma2}) std::fill(map->begin(), map->end(), 0.0);
  const auto unsheared =
      simulate::turn_galaxies(comm, PlanePixels(field, box, comm.size()), blank, real, {0.0, false}, 3);
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis serial(alone, box, field.pixel_radians());
  const auto whole = simulate::with_shear(serial, simulate::gaussian_kappa(serial, covariance(serial), 3));
  std::vector<double> angles;
  for (std::size_t i = 0; i < mock.ra.size(); ++i) {
    REQUIRE(mock.ra[i] == real.ra[i]);
    REQUIRE(mock.weight[i] == real.weight[i]);
    REQUIRE(std::hypot(unsheared.e1[i], unsheared.e2[i]) == Approx(0.5));
    angles.push_back(0.5 + std::atan2(unsheared.e2[i], unsheared.e1[i]) / (2.0 * M_PI));
    const auto pixel = *field.pixel_of({mock.ra[i], mock.dec[i]});
    const std::size_t p = pixel / 33 * box.nx + pixel % 33;
    const double gamma = std::hypot(whole.gamma1[p], whole.gamma2[p]);
    REQUIRE(std::hypot(mock.e1[i] - unsheared.e1[i], mock.e2[i] - unsheared.e2[i]) ==
            Approx(gamma).epsilon(1e-9));
  }
  if (angles.size() > 100) CHECK(test::kolmogorov_smirnov_p(angles, [](double x) { return x; }) > 1e-4);
}

TEST_CASE("the COSMOS-like mask covers about half of its field and has holes") {
  const PlaneGrid cosmos({150.1, 2.2}, 360, 360, 0.29);
  const auto mask = simulate::cosmos_like_mask(cosmos, 1);
  int seen = 0, centre_seen = 0;
  for (int y = 0; y < 360; ++y)
    for (int x = 0; x < 360; ++x) {
      const bool observed = mask->observes({static_cast<double>(x), static_cast<double>(y)});
      seen += observed;
      if (x > 100 && x < 260 && y > 100 && y < 260) centre_seen += observed;
    }
  CHECK(seen > 0.45 * 360 * 360);
  CHECK(seen < 0.60 * 360 * 360);
  CHECK(centre_seen < 0.995 * 159 * 159);
  CHECK(centre_seen > 0.90 * 159 * 159);
}
