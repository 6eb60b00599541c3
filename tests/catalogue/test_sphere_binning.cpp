#include <cmath>
#include <complex>

#include <catch2/catch.hpp>

#include "catalogue/binning.hpp"
#include "core/random.hpp"
#include "sky/block_distribution.hpp"
#include "support/meridians.hpp"

using namespace tessera;
using namespace tessera::catalogue;

namespace {

constexpr std::uint64_t nside = 16, n = 3000;

/// Galaxies [first, last) at the equator, around both poles, across right ascension 0, and anywhere.
ShearCatalogue galaxies(std::uint64_t first, std::uint64_t last) {
  ShearCatalogue c;
  const RandomStream stream(2, Purpose::test);
  for (std::uint64_t i = first; i < last; ++i) {
    const auto [u, v] = stream.uniforms(i);
    switch (i % 5) {
      case 0:
        c.ra.push_back(100.0 + 30.0 * u), c.dec.push_back(10.0 * v - 5.0);
        break;
      case 1:
        c.ra.push_back(360.0 * u), c.dec.push_back(90.0 - 12.0 * v);
        break;
      case 2:
        c.ra.push_back(360.0 * u), c.dec.push_back(-90.0 + 6.0 * v);
        break;
      case 3:
        c.ra.push_back(u < 0.5 ? 10.0 * u : 350.0 + 10.0 * u), c.dec.push_back(40.0 + 20.0 * v);
        break;
      default:
        c.ra.push_back(360.0 * u), c.dec.push_back(180.0 * v - 90.0);
    }
    const auto [a, b] = stream.normals(i, 1);
    c.e1.push_back(0.3 * a);
    c.e2.push_back(0.3 * b);
    c.weight.push_back(0.5 + stream.uniforms(i, 2)[0]);
    c.response.push_back(1.0 + 0.1 * stream.uniforms(i, 2)[1]);
  }
  c.counts.total = n;
  return c;
}

ShearMaps bin(const mpi::Communicator& comm, const RingDistribution& rings) {
  const BlockDistribution rows(n, comm.size());
  return bin_galaxies(comm, galaxies(rows.begin(comm.rank()), rows.end(comm.rank())),
                      SpherePixels(HealpixGrid(nside), rings), std::nullopt);
}

}  // namespace

TEST_CASE("sphere: binned shear is in the frame of each pixel's centre") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const HealpixGrid grid(nside);
  const RingDistribution rings(nside, 1);
  const ShearMaps maps = bin(alone, rings);
  const ShearCatalogue all = galaxies(0, n);
  std::vector<double> response(grid.pixels()), count(response);
  std::vector<std::complex<double>> shear(grid.pixels());
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const SkyPosition sky{all.ra[i], all.dec[i]};
    const std::uint64_t pixel = grid.pixel_of(sky);
    const double angle = test::turn_of_meridians(sky, grid.centre(pixel));
    shear[pixel] += all.weight[i] * std::complex(all.e1[i], all.e2[i]) * std::polar(1.0, 2.0 * angle);
    response[pixel] += all.weight[i] * all.response[i];
    count[pixel] += 1.0;
    largest = std::max(largest, std::abs(angle));
  }
  CHECK(largest > 0.5);  // near the poles
  CHECK(maps.counts.used() == n);
  for (std::size_t p = 0; p < maps.count.size(); ++p) {
    const std::uint64_t pixel = grid.nested_index(rings.ring_index(p));
    REQUIRE(maps.count[p] == count[pixel]);
    const std::complex<double> expected = count[pixel] > 0.0 ? shear[pixel] / response[pixel] : 0.0;
    REQUIRE(maps.gamma1[p] == Approx(expected.real()).margin(1e-12));
    REQUIRE(maps.gamma2[p] == Approx(expected.imag()).margin(1e-12));
  }
}

TEST_CASE("sphere: binned maps have the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const RingDistribution rings(nside, comm.size());
  const ShearMaps mine = bin(comm, rings), whole = bin(alone, RingDistribution(nside, 1));
  CHECK(mine.sigma_e == whole.sigma_e);
  const std::uint64_t first = rings.first_pixel(comm.rank());
  CHECK(mine.count.size() == rings.first_pixel(comm.rank() + 1) - first);
  std::size_t wrong = 0;
  for (std::size_t p = 0; p < mine.count.size(); ++p)
    for (const auto map : {&ShearMaps::gamma1, &ShearMaps::gamma2, &ShearMaps::noise_sigma, &ShearMaps::count,
                           &ShearMaps::weight})
      wrong += (mine.*map)[p] == (whole.*map)[first + p] ? 0 : 1;
  CHECK(wrong == 0);
}
