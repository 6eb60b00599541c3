#include <cmath>
#include <complex>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>

#include "catalogue/binning.hpp"
#include "catalogue/field.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "harmonic/plane_basis.hpp"
#include "inference/kaiser_squires.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using namespace tessera::catalogue;

namespace {

/// Galaxies [first, last) of a catalogue of n whose values follow from their place in it.
ShearCatalogue galaxies(const PlaneGrid& field, std::uint64_t first, std::uint64_t last, std::uint64_t n) {
  ShearCatalogue c;
  const RandomStream stream(2, Purpose::test);
  for (std::uint64_t i = first; i < last; ++i) {
    const auto [u, v] = stream.uniforms(i);
    const auto sky = field.deproject(
        {u * (static_cast<double>(field.nx()) + 1.0) - 1.0, v * static_cast<double>(field.ny()) - 0.5});
    const auto [a, b] = stream.normals(i, 1);
    c.ra.push_back(sky.ra);
    c.dec.push_back(sky.dec);
    c.e1.push_back(0.3 * a);
    c.e2.push_back(0.3 * b);
    c.weight.push_back(0.5 + stream.uniforms(i, 2)[0]);
    c.response.push_back(1.0 + 0.1 * stream.uniforms(i, 2)[1]);
  }
  c.counts.total = n;
  return c;
}

ShearCatalogue share(const PlaneGrid& field, const mpi::Communicator& comm, std::uint64_t n) {
  const BlockDistribution rows(n, comm.size());
  return galaxies(field, rows.begin(comm.rank()), rows.end(comm.rank()), n);
}

}  // namespace

TEST_CASE("binned maps are the sums of their definition, with the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const PlaneGrid field({30.0, 55.0}, 9, 6, 20.0);
  const PaddedBox box{12, 10};
  constexpr std::uint64_t n = 500;
  const ShearMaps maps =
      bin_galaxies(comm, share(field, comm, n), PlanePixels(field, box, comm.size()), std::nullopt);
  const ShearCatalogue all = galaxies(field, 0, n, n);
  const ShearMaps whole = bin_galaxies(alone, all, PlanePixels(field, box, alone.size()), std::nullopt);

  std::vector<double> w(box.nx * box.ny), w2(w), r(w), count(w);
  std::vector<std::complex<double>> we(w.size());
  double we_squared = 0.0, total = 0.0;
  std::uint64_t off = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto pixel = field.pixel_of({all.ra[i], all.dec[i]});
    if (!pixel) {
      ++off;
      continue;
    }
    const std::size_t p = *pixel / field.nx() * box.nx + *pixel % field.nx();
    const auto e = std::complex(all.e1[i], all.e2[i]) *
                   std::polar(1.0, 2.0 * frame_rotation({all.ra[i], all.dec[i]}, field.centre()));
    count[p] += 1.0;
    w[p] += all.weight[i];
    w2[p] += all.weight[i] * all.weight[i];
    r[p] += all.weight[i] * all.response[i];
    we[p] += all.weight[i] * e;
    we_squared += all.weight[i] * std::norm(e);
    total += all.weight[i];
  }
  const double sigma_e = std::sqrt(we_squared / total / 2.0);
  CHECK(off > 0);
  CHECK(whole.counts.off_grid == off);
  CHECK(maps.counts.off_grid == off);
  CHECK(maps.counts.used() == n - off);
  CHECK(whole.sigma_e == Approx(sigma_e).epsilon(1e-12));
  for (std::size_t p = 0; p < w.size(); ++p) {
    REQUIRE(whole.count[p] == count[p]);
    if (count[p] == 0.0) {
      REQUIRE(whole.noise_sigma[p] == 0.0);
      continue;
    }
    REQUIRE(whole.gamma1[p] == Approx(we[p].real() / r[p]).margin(1e-14));
    REQUIRE(whole.gamma2[p] == Approx(we[p].imag() / r[p]).margin(1e-14));
    REQUIRE(whole.noise_sigma[p] == Approx(sigma_e * std::sqrt(w2[p]) / r[p]).epsilon(1e-12));
  }
  CHECK(maps.sigma_e == whole.sigma_e);
  const std::size_t first = BlockDistribution(box.ny, comm.size()).begin(comm.rank()) * box.nx;
  for (std::size_t p = 0; p < maps.count.size(); ++p) {
    REQUIRE(maps.count[p] == whole.count[first + p]);
    REQUIRE(maps.gamma1[p] == whole.gamma1[first + p]);
    REQUIRE(maps.gamma2[p] == whole.gamma2[first + p]);
    REQUIRE(maps.noise_sigma[p] == whole.noise_sigma[first + p]);
    REQUIRE(maps.weight[p] == whole.weight[first + p]);
  }
}

TEST_CASE("a given sigma_e is used as it is") {
  const mpi::Communicator comm;
  const PlaneGrid field({30.0, 0.0}, 4, 4, 20.0);
  const ShearMaps maps =
      bin_galaxies(comm, share(field, comm, 100), PlanePixels(field, {4, 4}, comm.size()), 0.25);
  CHECK(maps.sigma_e == 0.25);
  CHECK_FALSE(maps.sigma_e_measured);
}

TEST_CASE("a field without galaxies, without dispersion or with a negative response is refused") {
  const mpi::Communicator comm;
  const PlaneGrid field({30.0, 0.0}, 4, 4, 20.0), elsewhere({200.0, 0.0}, 4, 4, 20.0);
  const auto some = share(field, comm, 50);
  CHECK_THROWS_WITH(bin_galaxies(comm, some, PlanePixels(elsewhere, {4, 4}, comm.size()), std::nullopt),
                    Catch::Contains("no galaxy"));
  auto round = some;
  for (auto* e : {&round.e1, &round.e2}) std::fill(e->begin(), e->end(), 0.0);
  CHECK_THROWS_WITH(bin_galaxies(comm, round, PlanePixels(field, {4, 4}, comm.size()), std::nullopt),
                    Catch::Contains("--sigma-e"));
  auto negative = some;
  std::fill(negative.response.begin(), negative.response.end(), -1.0);
  CHECK_THROWS_WITH(bin_galaxies(comm, negative, PlanePixels(field, {4, 4}, comm.size()), std::nullopt),
                    Catch::Contains("--m"));
}

namespace {

/// B over E rms around a Gaussian mass off the field's centre at declination 75. The shear is set in each
/// galaxy's own frame by spherical trigonometry, then multiplied by a phase: 1 for a right catalogue.
double b_over_e(const std::function<std::complex<double>(const PlaneGrid&, SkyPosition)>& phase,
                bool flip_e2) {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneGrid field({40.0, 75.0}, 100, 100, 6.0);
  const SkyPosition lens = field.deproject({72.0, 64.0});
  constexpr double width = 0.01;  // radians
  ShearCatalogue c;
  for (std::uint64_t pixel = 0; pixel < 10000; ++pixel) {
    const SkyPosition sky =
        field.deproject({static_cast<double>(pixel % 100), static_cast<double>(pixel / 100)});
    const double d = (lens.ra - sky.ra) * radians_per_degree;
    const double p = sky.dec * radians_per_degree, l = lens.dec * radians_per_degree;
    const double east = std::cos(l) * std::sin(d);
    const double north = std::sin(l) * std::cos(p) - std::cos(l) * std::sin(p) * std::cos(d);
    const double distance = std::max(1e-6, std::asin(std::hypot(east, north)));
    // A position angle (North through East) is the polar angle less 90 degrees in the frame x = West, y =
    // North.
    const double angle = 0.5 * M_PI + std::atan2(east, north);
    const double u = 0.5 * distance * distance / (width * width);
    const auto e =
        -0.01 * ((1.0 - std::exp(-u)) / u - std::exp(-u)) * std::polar(1.0, 2.0 * angle) * phase(field, sky);
    c.ra.push_back(sky.ra);
    c.dec.push_back(sky.dec);
    c.e1.push_back(e.real());
    c.e2.push_back(flip_e2 ? -e.imag() : e.imag());
    c.weight.push_back(1.0);
    c.response.push_back(1.0);
  }
  c.counts.total = c.ra.size();
  const ShearMaps maps = bin_galaxies(alone, c, PlanePixels(field, {100, 100}, alone.size()), std::nullopt);
  const harmonic::PlaneBasis basis(alone, {100, 100}, field.pixel_radians());
  std::vector<double> e(basis.pixel_count()), b(e);
  inference::kaiser_squires(basis, maps.gamma1, maps.gamma2, 0.0, e, b);
  const auto peak = static_cast<std::size_t>(std::max_element(e.begin(), e.end()) - e.begin());
  double e2 = 0.0, b2 = 0.0;
  for (std::size_t y = 49; y < 79; ++y)
    for (std::size_t x = 57; x < 87; ++x) {
      e2 += e[y * 100 + x] * e[y * 100 + x];
      b2 += b[y * 100 + x] * b[y * 100 + x];
    }
  const bool in_place =
      std::abs(static_cast<int>(peak % 100) - 72) <= 1 && std::abs(static_cast<int>(peak / 100) - 64) <= 1;
  return in_place ? std::sqrt(b2 / e2) : INFINITY;
}

}  // namespace

TEST_CASE("an off-axis lens far in the North gives a peak at its place and no B mode") {
  const auto right = [](const PlaneGrid&, SkyPosition) { return std::complex<double>(1.0); };
  const auto not_rotated = [](const PlaneGrid& field, SkyPosition sky) {
    return std::polar(1.0, -2.0 * frame_rotation(sky, field.centre()));
  };
  const auto rotated_twice = [](const PlaneGrid& field, SkyPosition sky) {
    return std::polar(1.0, 2.0 * frame_rotation(sky, field.centre()));
  };
  CHECK(b_over_e(right, false) < 0.03);
  // What the same test says of a catalogue whose frame is not turned, turned the wrong way, or mirrored.
  CHECK(b_over_e(not_rotated, false) > 0.2);
  CHECK(b_over_e(rotated_twice, false) > 0.2);
  CHECK(b_over_e(right, true) > 0.5);
}

TEST_CASE("the median position is exact, also across right ascension 0 and for any number of ranks") {
  const mpi::Communicator comm;
  ShearCatalogue c;
  for (int i = comm.rank(); i < 101; i += comm.size()) {
    // A permutation of 0 ... 100 around the origin: the median is number 50.
    const int k = (i * 37) % 101;
    const double ra = 0.1 * (k - 48);
    c.ra.push_back(ra < 0.0 ? ra + 360.0 : ra);
    c.dec.push_back(-5.0 + 0.01 * k);
  }
  const SkyPosition median = median_position(comm, c);
  CHECK(median.ra == Approx(0.2).margin(1e-9));
  CHECK(median.dec == Approx(-4.5));
}

TEST_CASE("a covering grid holds every galaxy and is tight") {
  const mpi::Communicator comm;
  const PlaneGrid field({359.99, 30.0}, 50, 41, 2.0);
  const auto mine = share(field, comm, 3000);
  const SkyPosition centre = median_position(comm, mine);
  const PlaneGrid grid = covering_grid(comm, mine, centre, 2.0);
  std::uint64_t inside = 0;
  for (std::size_t i = 0; i < mine.ra.size(); ++i)
    inside += grid.pixel_of({mine.ra[i], mine.dec[i]}).has_value();
  CHECK(inside == mine.ra.size());
  CHECK(grid.nx() < 58);
  CHECK(grid.ny() < 46);
}

TEST_CASE("rows that cannot be used are counted by reason, and calibration is applied") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("cat.csv");
  if (comm.is_root())
    std::ofstream(path) << "ra,dec,e1,e2,w,bias\n1,2,0.3,0.4,1,0.1\n1,2,nan,0.4,1,0.1\n1,95,0.3,0.4,1,0.1\n"
                           "1,2,0.3,0.4,0,0.1\n1,2,0.3,0.4,-1,0.1\n1,2,0.3,,1,0.1\n5,6,0.5,0.6,2,0.2\n";
  comm.barrier();
  ShearColumns columns;
  columns.m.column = "bias";
  columns.c1.number = 0.1;
  columns.flip_e2 = true;
  const ShearCatalogue c = read_shear_catalogue(comm, {path, ""}, columns);
  CHECK(c.counts.total == 7);
  CHECK(c.counts.not_finite == 2);
  CHECK(c.counts.bad_position == 1);
  CHECK(c.counts.zero_weight == 1);
  CHECK(c.counts.negative_weight == 1);
  CHECK(c.counts.used() == 2);
  for (std::size_t i = 0; i < c.ra.size(); ++i) {
    const bool first = c.ra[i] == 1.0;
    CHECK(c.e1[i] == Approx(first ? 0.2 : 0.4));
    CHECK(c.e2[i] == Approx(first ? -0.4 : -0.6));
    CHECK(c.response[i] == Approx(first ? 1.1 : 1.2));
  }
  columns.e1 = {"shape1"};
  CHECK_THROWS_WITH(read_shear_catalogue(comm, {path, ""}, columns), Catch::Contains("shape1"));
}
