#include <alm.h>
#include <alm_healpix_tools.h>
#include <cmath>
#include <healpix_map.h>
#include <numbers>
#include <xcomplex.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "harmonic/sphere_basis.hpp"
#include "sky/healpix_window.hpp"
#include "support/adjoint.hpp"

using namespace tessera;
using namespace tessera::harmonic;

namespace {

struct Case {
  std::uint64_t nside, lmax;
};
const std::vector<Case> cases{{1, 2}, {2, 4}, {4, 11}, {8, 16}, {32, 70}};

std::vector<double> noise_map(const HarmonicBasis& basis, std::uint32_t realisation) {
  std::vector<double> map(basis.pixel_count());
  basis.white_noise(RandomStream(5, Purpose::test, realisation), Pixels(map));
  return map;
}

std::vector<Complex> noise_modes(const HarmonicBasis& basis, std::uint32_t realisation) {
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(5, Purpose::test, realisation), Modes(modes));
  return modes;
}

double dot(const HarmonicBasis& basis, const std::vector<double>& f, const std::vector<double>& g) {
  return basis.dot(ConstPixels(f), ConstPixels(g));
}

double dot(const HarmonicBasis& basis, const std::vector<Complex>& a, const std::vector<Complex>& b) {
  return basis.dot(ConstModes(a), ConstModes(b));
}

/// Of all ranks, in the order of m.
std::vector<Complex> of_all_ranks(const SphereBasis& basis, const std::vector<Complex>& own) {
  std::vector<std::size_t> entries{0};
  for (const std::uint64_t count : basis.comm().all_gather(static_cast<std::uint64_t>(own.size())))
    entries.push_back(entries.back() + 2 * count);
  std::vector<Complex> all(entries.back() / 2);
  const auto here = static_cast<std::size_t>(basis.comm().rank());
  std::copy(own.begin(), own.end(), all.begin() + static_cast<std::ptrdiff_t>(entries[here] / 2));
  basis.comm().all_gather_parts({reinterpret_cast<double*>(all.data()), entries.back()}, entries);
  return all;
}

/// This rank's part of the modes of all.
std::vector<Complex> own_part(const SphereBasis& basis, const std::vector<Complex>& all) {
  const auto first = static_cast<std::ptrdiff_t>(basis.comm().exclusive_scan(basis.mode_count()));
  return {all.begin() + first, all.begin() + first + static_cast<std::ptrdiff_t>(basis.mode_count())};
}

Alm<xcomplex<double>> to_healpix(const SphereBasis& basis, const std::vector<Complex>& modes,
                                 double (*factor)(double)) {
  const int lmax = static_cast<int>(basis.lmax());
  const std::vector<Complex> all = of_all_ranks(basis, modes);
  Alm<xcomplex<double>> alm(lmax, lmax);
  std::size_t k = 0;
  for (int m = 0; m <= lmax; ++m)
    for (int l = m; l <= lmax; ++l) alm(l, m) = factor(l) * all[k++];
  return alm;
}

double shear_factor(double l) { return l < 2.0 ? 0.0 : std::sqrt((l - 1.0) * (l + 2.0) / (l * (l + 1.0))); }

/// This rank's part of a map of the RING scheme.
void require_equal(const SphereBasis& basis, const std::vector<double>& part, const Healpix_Map<double>& map,
                   double sign) {
  for (std::size_t p = 0; p < part.size(); ++p) {
    const auto ring = static_cast<int>(basis.rings().ring_index(basis.first_pixel() + p));
    REQUIRE(part[p] == Approx(sign * map[ring]).margin(1e-11));
  }
}

}  // namespace

TEST_CASE("maps are those of HEALPix C++, each pixel at its place") {
  const mpi::Communicator comm;
  for (const auto& [nside, lmax] : cases) {
    const SphereBasis basis(comm, nside, lmax);
    const auto e = noise_modes(basis, 0), b = noise_modes(basis, 1);
    std::vector<double> kappa(basis.pixel_count()), gamma1(kappa), gamma2(kappa);
    basis.synthesis(e, kappa);
    basis.shear_synthesis(e, b, gamma1, gamma2);
    const auto side = static_cast<int>(nside);
    Healpix_Map<double> t(side, RING, SET_NSIDE), q(side, RING, SET_NSIDE), u(side, RING, SET_NSIDE);
    const auto one = [](double) { return 1.0; };
    alm2map(to_healpix(basis, e, one), t);
    const auto e_of_shear = to_healpix(basis, e, shear_factor);
    const auto b_of_shear = to_healpix(basis, b, [](double l) { return -shear_factor(l); });
    alm2map_spin(e_of_shear, b_of_shear, q, u, 2, false);
    require_equal(basis, kappa, t, 1.0);
    require_equal(basis, gamma1, q, -1.0);
    require_equal(basis, gamma2, u, 1.0);
  }
}

TEST_CASE("adjoints") {
  const mpi::Communicator comm;
  for (const auto& [nside, lmax] : cases) {
    const SphereBasis basis(comm, nside, lmax);
    const auto e = noise_modes(basis, 2), b = noise_modes(basis, 3);
    const auto f = noise_map(basis, 4), g = noise_map(basis, 5);
    std::vector<double> map(basis.pixel_count()), map2(map);
    std::vector<Complex> a(basis.mode_count()), a2(a);
    basis.synthesis(e, map);
    basis.synthesis_adjoint(f, a);
    REQUIRE(test::adjoint_error(dot(basis, map, f), dot(basis, e, a), dot(basis, map, map),
                                dot(basis, f, f)) < 1e-12);
    basis.shear_synthesis(e, b, map, map2);
    basis.shear_synthesis_adjoint(f, g, a, a2);
    REQUIRE(test::adjoint_error(
                dot(basis, map, f) + dot(basis, map2, g), dot(basis, e, a) + dot(basis, b, a2),
                dot(basis, map, map) + dot(basis, map2, map2), dot(basis, f, f) + dot(basis, g, g)) < 1e-12);
    // Without a curl part.
    std::vector<Complex> alone(basis.mode_count());
    basis.shear_synthesis_adjoint(f, g, alone, {});
    REQUIRE(alone == a);
  }
}

TEST_CASE("analysis undoes synthesis to HEALPix's quadrature") {
  const mpi::Communicator comm;
  const SphereBasis basis(comm, 64, 64);
  const auto e = noise_modes(basis, 6);
  std::vector<double> map(basis.pixel_count());
  std::vector<Complex> back(basis.mode_count());
  basis.synthesis(e, map);
  basis.synthesis_adjoint(map, back);
  double error = 0.0;
  for (std::size_t k = 0; k < e.size(); ++k)
    error = std::max(error, std::abs(basis.pixel_area() * back[k] - e[k]));
  REQUIRE(error < 0.02);
}

TEST_CASE("the bits do not depend on the ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  // The last at an lmax where functions fall below the smallest numbers near the poles.
  for (const auto& [nside, lmax] : {Case{4, 11}, {8, 16}, {32, 70}, {128, 256}}) {
    for (const std::uint64_t blocks : {0U, 16U}) {
      const SphereBasis basis(comm, nside, lmax, blocks), serial(alone, nside, lmax, blocks);
      const auto e = noise_modes(serial, 7), b = noise_modes(serial, 8);
      const auto f = noise_map(serial, 9), g = noise_map(serial, 10);
      const auto mine = [&](const std::vector<double>& whole) {
        const auto first = whole.begin() + static_cast<std::ptrdiff_t>(basis.first_pixel());
        return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(basis.pixel_count()));
      };
      const auto own_e = own_part(basis, e), own_b = own_part(basis, b);
      REQUIRE(noise_modes(basis, 7) == own_e);
      REQUIRE(noise_map(basis, 9) == mine(f));
      std::vector<double> map(basis.pixel_count()), map2(map), whole(serial.pixel_count()), whole2(whole);
      basis.synthesis(own_e, map);
      serial.synthesis(e, whole);
      REQUIRE(map == mine(whole));
      basis.shear_synthesis(own_e, own_b, map, map2);
      serial.shear_synthesis(e, b, whole, whole2);
      REQUIRE(map == mine(whole));
      REQUIRE(map2 == mine(whole2));
      std::vector<Complex> a(basis.mode_count()), a2(a), c(serial.mode_count()), c2(c);
      basis.synthesis_adjoint(mine(f), a);
      serial.synthesis_adjoint(f, c);
      REQUIRE(a == own_part(basis, c));
      basis.shear_synthesis_adjoint(mine(f), mine(g), a, a2);
      serial.shear_synthesis_adjoint(f, g, c, c2);
      REQUIRE(a == own_part(basis, c));
      REQUIRE(a2 == own_part(basis, c2));
      REQUIRE(dot(basis, own_e, a) == dot(serial, e, c));
      REQUIRE(dot(basis, mine(f), mine(g)) == dot(serial, f, g));
    }
  }
}

TEST_CASE("white noise of modes has unit power, whatever lmax") {
  const mpi::Communicator comm;
  const SphereBasis basis(comm, 32, 64), wider(comm, 32, 96);
  const auto own = noise_modes(basis, 11);
  const auto a = of_all_ranks(basis, own), b = of_all_ranks(wider, noise_modes(wider, 11));
  std::size_t k = 0;
  for (std::uint64_t m = 0; m <= 64; ++m)
    for (std::uint64_t l = m; l <= 64; ++l, ++k) {
      REQUIRE(a[k] == b[m * (2 * 96 + 1 - m) / 2 + l]);
      if (m == 0) REQUIRE(a[k].imag() == 0.0);
    }
  const double power = dot(basis, own, own) / (65.0 * 65.0);
  REQUIRE(power == Approx(1.0).margin(4.0 * std::sqrt(2.0) / 65.0));
}

TEST_CASE("a lens: shear is tangential, East-West above it and below, of equal parity everywhere") {
  const mpi::Communicator comm;
  const SphereBasis basis(comm, 64, 128);
  // Equator, high latitude, and beside the corner of three faces.
  for (const SkyPosition lens : {SkyPosition{200.0, 3.0}, SkyPosition{77.0, 71.0}, SkyPosition{46.0, 41.0},
                                 SkyPosition{315.0, -41.8}}) {
    const double ra0 = lens.ra * radians_per_degree, dec0 = lens.dec * radians_per_degree;
    // Offset on the tangent plane, x to the West and y to the North.
    const auto offset = [&](SkyPosition sky) {
      const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
      const double c = std::sin(dec) * std::sin(dec0) + std::cos(dec) * std::cos(dec0) * std::cos(ra - ra0);
      return std::array{
          -std::cos(dec) * std::sin(ra - ra0) / c,
          (std::sin(dec) * std::cos(dec0) - std::cos(dec) * std::sin(dec0) * std::cos(ra - ra0)) / c, c};
    };
    const double size = 3.0 * radians_per_degree;
    std::vector<double> kappa(basis.pixel_count());
    std::vector<std::array<double, 3>> place(kappa.size());
    for (std::size_t p = 0; p < kappa.size(); ++p) {
      const std::uint64_t ring = basis.rings().ring_index(basis.first_pixel() + p);
      place[p] = offset(basis.grid().centre(basis.grid().nested_index(ring)));
      const double r2 = place[p][0] * place[p][0] + place[p][1] * place[p][1];
      if (place[p][2] > 0.0) kappa[p] = std::exp(-0.5 * r2 / (size * size));
    }
    std::vector<Complex> modes(basis.mode_count());
    basis.synthesis_adjoint(kappa, modes);
    for (Complex& mode : modes) mode *= basis.pixel_area();
    std::vector<double> gamma1(kappa.size()), gamma2(kappa.size());
    basis.shear_synthesis(modes, {}, gamma1, gamma2);
    for (std::size_t p = 0; p < kappa.size(); ++p) {
      const auto [x, y, c] = place[p];
      const double r = std::hypot(x, y);
      if (c < 0.9 || r < 0.5 * size || r > 3.0 * size) continue;
      // Mean convergence within r less that at r; meridians turn against each other by the angle of `turn`.
      const double s = 0.5 * r * r / (size * size);
      const double tangential = (1.0 - std::exp(-s)) / s - std::exp(-s);
      const std::uint64_t ring = basis.rings().ring_index(basis.first_pixel() + p);
      const SkyPosition sky = basis.grid().centre(basis.grid().nested_index(ring));
      // Position angle of the lens as seen from the pixel, from North through West.
      const double ra = sky.ra * radians_per_degree, dec = sky.dec * radians_per_degree;
      const double west = -std::cos(dec0) * std::sin(ra0 - ra);
      const double north =
          std::sin(dec0) * std::cos(dec) - std::cos(dec0) * std::sin(dec) * std::cos(ra0 - ra);
      const double angle = std::atan2(north, west);  // from x to y
      // Tangential: gamma = -gamma_t exp(2 i angle).
      REQUIRE(gamma1[p] == Approx(-tangential * std::cos(2.0 * angle)).margin(0.03));
      REQUIRE(gamma2[p] == Approx(-tangential * std::sin(2.0 * angle)).margin(0.03));
    }
  }
}

TEST_CASE("correlation functions: identity and square against sums over multipoles") {
  const mpi::Communicator comm;
  const SphereBasis basis(comm, 4, 12);
  std::vector<double> power(basis.mode_count());
  const auto c_of = [](double l) { return l < 2.0 ? 0.0 : 1.0 / (1.0 + l * l); };
  for (std::size_t k = 0; k < power.size(); ++k) power[k] = c_of(basis.ell()[k]);
  const auto same = basis.transformed_correlation(power, [](double xi) { return xi; });
  for (std::size_t k = 0; k < power.size(); ++k) REQUIRE(same[k] == Approx(power[k]).margin(1e-13));
  // xi^2 integrated over the sphere: C'_0 = 4 pi <xi^2> = sum (2 l + 1) C_l^2 / (4 pi) ... times one.
  const auto square = basis.transformed_correlation(power, [](double xi) { return xi * xi; });
  double expected = 0.0;
  for (double l = 0.0; l <= 12.0; ++l)
    expected += (2.0 * l + 1.0) / (4.0 * std::numbers::pi) * c_of(l) * c_of(l);
  if (comm.is_root()) REQUIRE(square[0] == Approx(expected).epsilon(1e-12));
}

TEST_CASE(
    "modes are dealt out by m: about as many to each rank, a truncated basis keeps their rank and its bits") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const auto& [nside, lmax] : {Case{1, 2}, {4, 11}, {32, 70}}) {
    const SphereBasis basis(comm, nside, lmax), serial(alone, nside, lmax);
    const auto all = static_cast<double>((lmax + 1) * (lmax + 2) / 2);
    REQUIRE(basis.first_m(0) == 0);
    REQUIRE(basis.first_m(comm.size()) == lmax + 1);
    std::size_t k = 0;
    for (std::uint64_t m = basis.first_m(comm.rank()); m < basis.first_m(comm.rank() + 1); ++m)
      for (std::uint64_t l = m; l <= lmax; ++l, ++k) REQUIRE(basis.ell()[k] == static_cast<double>(l));
    REQUIRE(k == basis.mode_count());
    REQUIRE(std::abs(static_cast<double>(k) - all / comm.size()) <= static_cast<double>(lmax) + 1.0);
    const auto band = basis.truncated(5.0), whole = serial.truncated(5.0);
    if (!whole) continue;
    // Ranks without any mode of the band, from some number on.
    std::vector<double> lowest;
    for (const double ell : basis.ell())
      if (ell < 5.0) lowest.push_back(ell);
    REQUIRE(std::equal(lowest.begin(), lowest.end(), band->ell().begin(), band->ell().end()));
    const auto e = noise_modes(*band, 1), b = noise_modes(*band, 2);
    const auto whole_e = noise_modes(*whole, 1), whole_b = noise_modes(*whole, 2);
    std::vector<double> map(basis.pixel_count()), map2(map), map3(map), of_all(serial.pixel_count()),
        of_all2(of_all);
    const auto same = [&](const std::vector<double>& part, const std::vector<double>& map_of_all) {
      return std::equal(part.begin(), part.end(),
                        map_of_all.begin() + static_cast<std::ptrdiff_t>(basis.first_pixel()));
    };
    band->shear_synthesis(e, b, map, map2);
    whole->shear_synthesis(whole_e, whole_b, of_all, of_all2);
    REQUIRE(same(map, of_all));
    REQUIRE(same(map2, of_all2));
    std::vector<Complex> a(band->mode_count()), a2(a), a3(a);
    band->shear_synthesis_adjoint(map, map2, a, a2);
    REQUIRE(test::adjoint_error(dot(*band, map, map) + dot(*band, map2, map2),
                                dot(*band, e, a) + dot(*band, b, a2),
                                dot(*band, map, map) + dot(*band, map2, map2),
                                dot(*band, map, map) + dot(*band, map2, map2)) < 1e-12);
    // B modes that are not asked for leave nothing behind.
    band->shear_synthesis_adjoint(map, map2, a3, {});
    REQUIRE(a3 == a);
    band->shear_synthesis(e, {}, map, map2);
    whole->shear_synthesis(whole_e, {}, of_all, of_all2);
    REQUIRE(same(map, of_all));
    REQUIRE(same(map2, of_all2));
  }
}

TEST_CASE("bad lmax is refused") {
  const mpi::Communicator comm;
  REQUIRE_THROWS_AS(SphereBasis(comm, 8, 33), Error);
  REQUIRE_THROWS_AS(SphereBasis(comm, 8, 1), Error);
}
