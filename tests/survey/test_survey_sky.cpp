#include <algorithm>
#include <cmath>
#include <healpix_base.h>

#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "io/map_reader.hpp"
#include "support/temporary_folder.hpp"
#include "survey/survey_sky.hpp"

using namespace tessera;
using survey::SurveySky;

namespace {

const PlaneGrid field({150.0, 2.0}, 33, 21, 3.0);
const PaddedBox box{40, 30};
constexpr std::uint64_t nside = 16, tile = 4;

std::unique_ptr<SurveySky> plane(const mpi::Communicator& comm) {
  return survey::plane_sky(comm, field, box);
}

std::unique_ptr<SurveySky> sphere(const mpi::Communicator& comm) {
  return survey::sphere_sky(comm, nside, 2 * nside, tile);
}

/// Observed: a part of the sphere without symmetry, with holes.
std::vector<double> footprint(const SurveySky& sky) {
  std::vector<double> observed(sky.basis().pixel_count());
  for (std::size_t p = 0; p < observed.size(); ++p) {
    const SkyPosition place = sky.position(p);
    observed[p] =
        place.dec < 10.0 && place.ra > 30.0 && place.ra < 200.0 && sky.number(p) % 7 != 3 ? 2.0 : 0.0;
  }
  return observed;
}

std::vector<double> noise(const SurveySky& sky) {
  std::vector<double> map(sky.basis().pixel_count());
  sky.basis().white_noise(RandomStream(8, Purpose::test), harmonic::Pixels(map));
  return map;
}

/// The pixel's place in the order over all ranks.
std::vector<double> places(const SurveySky& sky) {
  std::vector<double> map(sky.basis().pixel_count());
  for (std::size_t p = 0; p < map.size(); ++p) map[p] = static_cast<double>(sky.basis().first_pixel() + p);
  return map;
}

/// A map of all ranks' pixels.
std::vector<double> gathered(const SurveySky& sky, const std::vector<double>& map) {
  std::vector<double> all(sky.basis().total_pixels());
  std::copy(map.begin(), map.end(), all.begin() + static_cast<std::ptrdiff_t>(sky.basis().first_pixel()));
  sky.comm().sum(std::span(all));
  return all;
}

/// Angle between directions, radians.
double angle(SkyPosition a, SkyPosition b) {
  const double d1 = a.dec * radians_per_degree, d2 = b.dec * radians_per_degree;
  const double half_dec = std::sin(0.5 * (d1 - d2)),
               half_ra = std::sin(0.5 * (a.ra - b.ra) * radians_per_degree);
  return 2.0 * std::asin(std::sqrt(half_dec * half_dec + std::cos(d1) * std::cos(d2) * half_ra * half_ra));
}

std::vector<double> peaks_of(const SurveySky& sky, const std::vector<double>& map) {
  return survey::LocalPeaks(sky, std::vector<double>(map.size(), 1.0))(map);
}

}  // namespace

TEST_CASE("plane: peaks exceed their eight neighbours in the box") {
  const mpi::Communicator comm;
  const auto sky = plane(comm);
  const auto map = noise(*sky);
  const auto peaks = gathered(*sky, peaks_of(*sky, map)), all = gathered(*sky, map);
  double count = 0.0;
  for (std::uint64_t y = 0; y < box.ny; ++y)
    for (std::uint64_t x = 0; x < box.nx; ++x) {
      double highest = -1e9;
      for (std::uint64_t j = y + box.ny - 1; j <= y + box.ny + 1; ++j)
        for (std::uint64_t i = x + box.nx - 1; i <= x + box.nx + 1; ++i)
          if (i != x + box.nx || j != y + box.ny)
            highest = std::max(highest, all[j % box.ny * box.nx + i % box.nx]);
      const bool peak = x < field.nx() && y < field.ny() && all[y * box.nx + x] > highest;
      REQUIRE(peaks[y * box.nx + x] == (peak ? 1.0 : 0.0));
      count += peaks[y * box.nx + x];
    }
  CHECK(count > 40.0);
}

TEST_CASE("sphere: peaks exceed the neighbours that HEALPix C++ names") {
  const mpi::Communicator comm;
  const auto sky = sphere(comm);
  const auto map = noise(*sky);
  const auto peaks = peaks_of(*sky, map);
  const T_Healpix_Base<int> healpix(static_cast<int>(nside), NEST, SET_NSIDE);
  std::vector<double> own(sky->basis().total_pixels());
  for (std::size_t p = 0; p < map.size(); ++p) own[sky->number(p)] = map[p];
  comm.sum(std::span(own));
  std::uint64_t count = 0, corners = 0, wrong = 0;
  for (std::size_t p = 0; p < map.size(); ++p) {
    fix_arr<int, 8> around;
    healpix.neighbors(static_cast<int>(sky->number(p)), around);
    bool peak = true, corner = false;
    for (std::size_t i = 0; i < 8; ++i) {
      corner = corner || around[i] < 0;
      peak = peak && (around[i] < 0 || own[static_cast<std::size_t>(around[i])] < map[p]);
    }
    corners += corner ? 1 : 0;
    count += peak ? 1 : 0;
    wrong += corner || peaks[p] == (peak ? 1.0 : 0.0) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(comm.sum(corners) == 24);
  CHECK(comm.sum(count) > 250);
}

TEST_CASE("sphere: peaks are looked for in tiles that hold a place asked for") {
  const mpi::Communicator comm;
  const auto sky = survey::sphere_sky(comm, 128, 16, tile);
  const auto map = noise(*sky), all = peaks_of(*sky, map);
  // One pixel of one superpixel of 64 x 64.
  constexpr std::uint64_t superpixel = 21, size = 64 * 64;
  std::vector<double> where(map.size());
  for (std::size_t p = 0; p < map.size(); ++p) where[p] = sky->number(p) == superpixel * size + 5 ? 1.0 : 0.0;
  const auto found = survey::LocalPeaks(*sky, where)(map);
  std::uint64_t count = 0;
  for (std::size_t p = 0; p < map.size(); ++p) {
    REQUIRE(found[p] == (sky->number(p) / size == superpixel ? all[p] : 0.0));
    count += found[p] > 0.0 ? 1 : 0;
  }
  CHECK(comm.sum(count) > 300);
}

TEST_CASE("spaced pixels keep their distance and leave no gap") {
  const mpi::Communicator comm;
  const auto check = [&](const SurveySky& sky, double distance, double least_part, double gap, auto within) {
    std::vector<double> marked(sky.basis().pixel_count());
    for (const std::size_t p : sky.spaced(distance)) marked[p] = 1.0;
    std::vector<double> ra(marked.size()), dec(marked.size());
    for (std::size_t p = 0; p < marked.size(); ++p) {
      ra[p] = sky.position(p).ra;
      dec[p] = sky.position(p).dec;
    }
    const auto all = gathered(sky, marked), all_ra = gathered(sky, ra), all_dec = gathered(sky, dec);
    std::vector<SkyPosition> places;
    for (std::size_t p = 0; p < all.size(); ++p)
      if (all[p] > 0.0) places.push_back({all_ra[p], all_dec[p]});
    double least = 1e9, farthest = 0.0;
    for (std::size_t p = 0; p < all.size(); ++p) {
      const SkyPosition here{all_ra[p], all_dec[p]};
      if (!within(p)) continue;
      double nearest = 1e9;
      for (const SkyPosition& place : places) {
        const double d = angle(here, place);
        if (d > 1e-9) least = std::min(least, all[p] > 0.0 ? d : 1e9);
        nearest = std::min(nearest, d);
      }
      farthest = std::max(farthest, nearest);
    }
    CHECK(least > least_part * distance);
    CHECK(farthest < gap * distance);
    CHECK(places.size() > 3);
  };
  const auto flat = plane(comm);
  check(*flat, 6.5 * 3.0 * radians_per_arcmin, 0.99, 1.6,
        [](std::size_t p) { return p % box.nx < field.nx() && p / box.nx < field.ny(); });
  const auto curved = sphere(comm);
  check(*curved, 2.8 * curved->pixel_radians(), 0.7, 2.4, [](std::size_t /*p*/) { return true; });
}

TEST_CASE("watched values: of observed places spread evenly, the same on every rank") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const auto check = [](const SurveySky& sky, const SurveySky& serial) {
    const auto observed = footprint(sky);
    const auto values = sky.watched(places(sky));
    CHECK(values.size() == SurveySky::watched_places);
    CHECK(values == serial.watched(places(serial)));
    CHECK(std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) == values.end());
    return gathered(sky, observed);
  };
  const auto ours = plane(comm), whole = plane(alone);
  check(*ours, *whole);
  for (const double place : whole->watched(places(*whole))) {
    const auto p = static_cast<std::size_t>(place);
    CHECK((p % box.nx < field.nx() && p / box.nx < field.ny()));
  }
  const auto sky = sphere(comm), serial = sphere(alone);
  sky->set_footprint(footprint(*sky));
  serial->set_footprint(footprint(*serial));
  const auto observed = check(*sky, *serial);
  const auto values = sky->watched(places(*sky));
  const auto count = [&](std::size_t from, std::size_t to) {
    return std::count_if(observed.begin() + static_cast<std::ptrdiff_t>(from),
                         observed.begin() + static_cast<std::ptrdiff_t>(to),
                         [](double o) { return o > 0.0; });
  };
  const auto all = count(0, observed.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(observed[static_cast<std::size_t>(values[i])] > 0.0);
    if (i > 0)
      CHECK(std::abs(count(static_cast<std::size_t>(values[i - 1]), static_cast<std::size_t>(values[i])) -
                     all / 16) <= 1);
  }
}

TEST_CASE("plane: maps come back from a file, pixel by pixel") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const auto sky = plane(comm);
  io::AtomicFile file(comm, folder.path("plane.h5"), false);
  io::MapWriter writer(comm, file, 1000.0, 1);
  sky->describe(writer);
  writer.write_map("/maps/place", sky->shape(), sky->stored(places(*sky)), {"1", "place"});
  writer.commit();
  CHECK(sky->stored_pixels() == field.nx() * field.ny());
  const auto read = io::MapReader(file.path()).read_rows("/maps/place", 0, field.ny());
  for (std::uint64_t p = 0; p < read.size(); ++p)
    REQUIRE(read[p] == static_cast<double>(p / field.nx() * box.nx + p % field.nx()));
  for (std::size_t p = 0; p < sky->basis().pixel_count(); ++p) {
    const std::uint64_t place = sky->basis().first_pixel() + p, x = place % box.nx, y = place / box.nx;
    if (x >= field.nx() || y >= field.ny()) continue;
    REQUIRE(field.pixel_of(sky->position(p)) == sky->number(p));
    REQUIRE(sky->number(p) == y * field.nx() + x);
    REQUIRE(sky->is_inner(p) == (x > 0 && y > 0 && x < field.nx() - 1 && y < field.ny() - 1));
  }
}

TEST_CASE("sphere: maps come back from a file where data are, in whole tiles") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const auto sky = sphere(comm);
  const auto observed = footprint(*sky), values = noise(*sky);
  sky->set_footprint(observed);
  io::AtomicFile file(comm, folder.path("sphere.h5"), false);
  io::MapWriter writer(comm, file, 10000.0, 2);
  sky->describe(writer);
  writer.write_map("/maps/noise", sky->shape(), sky->stored(values), {"1", "noise"});
  writer.commit();

  const io::MapReader reader(file.path());
  const auto pixels = reader.pixels();
  CHECK(reader.nside() == nside);
  CHECK(pixels.size() == sky->stored_pixels());
  CHECK(reader.read_values("/maps/noise").size() == pixels.size());
  // Whole tiles that hold an observed pixel, and no others.
  std::vector<double> seen(12 * (nside / tile) * (nside / tile));
  for (std::size_t p = 0; p < observed.size(); ++p)
    if (observed[p] > 0.0) seen[sky->number(p) / (tile * tile)] = 1.0;
  comm.sum(std::span(seen));
  std::vector<std::uint64_t> expected;
  for (std::uint64_t p = 0; p < 12 * nside * nside; ++p)
    if (seen[p / (tile * tile)] > 0.0) expected.push_back(p);
  CHECK(pixels == expected);
  CHECK((pixels.size() > 500 && pixels.size() < 6 * nside * nside));

  std::vector<std::pair<std::uint64_t, double>> own;
  for (std::size_t p = 0; p < values.size(); ++p) own.emplace_back(sky->number(p), values[p]);
  std::sort(own.begin(), own.end());
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, value] : own) numbers.push_back(number);
  const auto read = reader.read_values("/maps/noise", numbers);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const bool stored = seen[numbers[i] / (tile * tile)] > 0.0;
    wrong += (stored ? read[i] == own[i].second : std::isnan(read[i])) ? 0 : 1;
  }
  CHECK(wrong == 0);
  const HealpixGrid grid(nside);
  for (std::size_t p = 0; p < values.size(); ++p) {
    REQUIRE(grid.pixel_of(sky->position(p)) == sky->number(p));
    REQUIRE(sky->is_inner(p));
  }
}
