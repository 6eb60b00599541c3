#include <algorithm>
#include <cmath>
#include <complex>

#include <catch2/catch.hpp>

#include "simulate/mock_catalogue.hpp"
#include "support/meridians.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using harmonic::Complex;
using harmonic::SphereBasis;

namespace {

theory::PowerSpectrum spectrum() { return {{1.0, 1e5}, {1e-6, 1e-16}, "test"}; }

inference::SignalCovariance covariance(const SphereBasis& basis) { return {basis, {spectrum()}, true}; }

const std::vector<double> edges{2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 97.0};

/// Of a band: the sum of |a_lm|^2 / S_l over its modes (both signs of m), and their number.
struct Band {
  double chi2 = 0.0, modes = 0.0;
};

/// Modes of a map over the roots of their spectrum, from l = 2.
std::vector<Complex> standardised(const SphereBasis& basis, const inference::SignalCovariance& signal,
                                  const std::vector<double>& map) {
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(map, modes);
  for (std::size_t k = 0; k < modes.size(); ++k)
    modes[k] *= basis.ell()[k] < 2.0 ? 0.0 : basis.pixel_area() / signal.root(0, 0, k);
  return modes;
}

std::vector<Band> bands(const SphereBasis& basis, const std::vector<Complex>& modes) {
  std::vector<Band> result(edges.size() - 1);
  std::size_t k = 0;
  for (std::uint64_t m = 0; m <= basis.lmax(); ++m)
    for (std::uint64_t l = m; l <= basis.lmax(); ++l, ++k) {
      if (l < 2) continue;
      const auto next = std::upper_bound(edges.begin(), edges.end(), static_cast<double>(l));
      Band& band = result[static_cast<std::size_t>(next - edges.begin() - 1)];
      band.chi2 += (m == 0 ? 1.0 : 2.0) * std::norm(modes[k]);
      band.modes += m == 0 ? 1.0 : 2.0;
    }
  return result;
}

/// Intrinsic ellipticities of galaxies over sigma_e, once the shear of their pixel is taken off in its frame.
std::vector<double> intrinsic(const SphereBasis& basis, const simulate::Sky& sky,
                              const simulate::MockCatalogue& mock, const simulate::ShapeModel& shapes) {
  std::vector<double> values;
  for (std::size_t i = 0; i < mock.ra.size(); ++i) {
    const SkyPosition direction{mock.ra[i], mock.dec[i]};
    const std::uint64_t pixel = basis.grid().pixel_of(direction);
    const std::uint64_t p = basis.rings().storage_index(basis.grid().ring_index(pixel)) - basis.first_pixel();
    REQUIRE(p < sky.kappa.size());
    const double turn = test::turn_of_meridians(direction, basis.grid().centre(pixel));
    const std::complex<double> gamma(sky.gamma1[p], sky.gamma2[p]);
    const auto left = std::complex(mock.e1[i], mock.e2[i]) * std::polar(1.0, 2.0 * turn) -
                      (shapes.reduced_shear ? gamma / (1.0 - sky.kappa[p]) : gamma);
    values.insert(values.end(), {left.real(), left.imag()});
  }
  return values;
}

}  // namespace

TEST_CASE("sphere: Gaussian skies have the requested power, band by band, and Gaussian modes") {
  const mpi::Communicator world, alone(MPI_COMM_SELF);
  if (!world.is_root()) return;  // one rank's work is enough
  const SphereBasis basis(alone, 64, 96);
  const auto signal = covariance(basis);
  std::vector<Band> sum(edges.size() - 1);
  std::vector<double> draws;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const auto modes = standardised(basis, signal, simulate::gaussian_kappa(basis, signal, seed));
    const auto one = bands(basis, modes);
    for (std::size_t b = 0; b < one.size(); ++b) {
      sum[b].chi2 += one[b].chi2;
      sum[b].modes += one[b].modes;
    }
    for (std::uint64_t l = 2; l <= 60; ++l) draws.push_back(modes[l].real());  // of m = 0
  }
  // HEALPix's quadrature errs by some 1e-3.
  for (const Band& band : sum)
    CHECK(std::abs(band.chi2 / band.modes - 1.0) < 4.5 * std::sqrt(2.0 / band.modes) + 0.003);
  CHECK(test::kolmogorov_smirnov_p(draws, test::normal_cdf) > 1e-3);
}

TEST_CASE("sphere: lognormal skies have the requested power, a bound below and a tail above") {
  const mpi::Communicator world, alone(MPI_COMM_SELF);
  if (!world.is_root()) return;  // one rank's work is enough
  const SphereBasis basis(alone, 64, 96);
  const auto signal = covariance(basis);
  const double shift = 2e-3;
  constexpr int realisations = 12;
  std::vector<double> mean(edges.size() - 1), square(mean);
  double lowest = 0.0, m1 = 0.0, m2 = 0.0, m3 = 0.0;
  const auto n = static_cast<double>(realisations * basis.pixel_count());
  for (std::uint64_t seed = 0; seed < realisations; ++seed) {
    const auto map = simulate::lognormal_kappa(basis, signal, shift, seed);
    const auto one = bands(basis, standardised(basis, signal, map));
    for (std::size_t b = 0; b < one.size(); ++b) {
      mean[b] += one[b].chi2 / one[b].modes / realisations;
      square[b] += std::pow(one[b].chi2 / one[b].modes, 2) / realisations;
    }
    for (const double kappa : map) {
      lowest = std::min(lowest, kappa);
      m1 += kappa / n;
      m2 += kappa * kappa / n;
      m3 += kappa * kappa * kappa / n;
    }
  }
  for (std::size_t b = 0; b < mean.size(); ++b) {
    const double error = std::sqrt((square[b] - mean[b] * mean[b]) / (realisations - 1));
    CHECK(std::abs(mean[b] - 1.0) < 4.5 * error + 0.003);
    CHECK(error < 0.25);
  }
  const double s = std::sqrt(m2) / shift;
  CHECK(std::abs(m1) < 0.02 * shift);
  CHECK(lowest > -1.3 * shift);  // the cut at lmax overshoots
  CHECK(lowest < -0.6 * shift);
  CHECK(m3 / std::pow(m2, 1.5) == Approx(3.0 * s + s * s * s).epsilon(0.25));
}

TEST_CASE("sphere: drawn galaxies have the density and the dispersion asked for, and their pixel's shear") {
  const mpi::Communicator comm;
  const SphereBasis basis(comm, 16, 32);
  const auto sky = simulate::with_shear(basis, simulate::gaussian_kappa(basis, covariance(basis), 3));
  const auto everywhere = simulate::full_sky_mask();
  constexpr double density = 3e-4;
  const auto draw = [&](const simulate::ShapeModel& shapes) {
    return simulate::draw_galaxies(basis, sky, *everywhere, density, shapes, 3);
  };
  const double expected = density * 12.0 * 256.0 * std::pow(basis.grid().pixel_arcmin(), 2);
  const simulate::ShapeModel noisy{0.3, false};
  const auto mock = draw(noisy);
  const auto count = static_cast<double>(comm.sum(static_cast<std::uint64_t>(mock.ra.size())));
  CHECK(std::abs(count - expected) < 5.0 * std::sqrt(expected));
  std::vector<double> draws = intrinsic(basis, sky, mock, noisy);
  for (double& value : draws) value /= noisy.sigma_e;
  CHECK(test::kolmogorov_smirnov_p(draws, test::normal_cdf) > 1e-4);
  double mean = 0.0;
  for (const double value : draws) mean += value / static_cast<double>(draws.size());
  CHECK(std::abs(mean) < 4.5 / std::sqrt(static_cast<double>(draws.size())));
  for (const bool reduced : {false, true}) {
    const simulate::ShapeModel exact{0.0, reduced};
    for (const double left : intrinsic(basis, sky, draw(exact), exact)) REQUIRE(std::abs(left) < 1e-14);
  }
}

TEST_CASE("sphere: skies and catalogues have the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const SphereBasis basis(comm, 16, 32), serial(alone, 16, 32);
  const auto make = [](const SphereBasis& on) {
    return simulate::with_shear(on, simulate::lognormal_kappa(on, covariance(on), 2e-3, 7));
  };
  const simulate::Sky sky = make(basis), whole = make(serial);
  const auto mask = simulate::des_like_mask(7);
  const auto mine = simulate::draw_galaxies(basis, sky, *mask, 3e-3, {0.3, true}, 7);
  const auto all = simulate::draw_galaxies(serial, whole, *mask, 3e-3, {0.3, true}, 7);
  const std::uint64_t first = comm.exclusive_scan(mine.ra.size());
  CHECK(comm.sum(static_cast<std::uint64_t>(mine.ra.size())) == all.ra.size());
  CHECK(all.ra.size() > 10000);
  const auto same = [](const std::vector<double>& part, const std::vector<double>& of, std::uint64_t begin) {
    return std::equal(part.begin(), part.end(), of.begin() + static_cast<std::ptrdiff_t>(begin));
  };
  for (const auto map : {&simulate::Sky::kappa, &simulate::Sky::gamma1, &simulate::Sky::gamma2})
    CHECK(same(sky.*map, whole.*map, basis.first_pixel()));
  for (const auto column : {&simulate::MockCatalogue::ra, &simulate::MockCatalogue::dec,
                            &simulate::MockCatalogue::e1, &simulate::MockCatalogue::e2})
    CHECK(same(mine.*column, all.*column, first));
}
