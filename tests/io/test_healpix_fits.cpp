#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <catch2/catch.hpp>
#include <fitsio.h>
#include <fmt/format.h>

#include "core/error.hpp"
#include "io/healpix_fits.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using io::HealpixMap;

namespace {

const double no_value = std::numeric_limits<double>::quiet_NaN();

/// A map of another program, written with cfitsio alone; empty keywords are left out.
struct ForeignMap {
  std::string ordering = "RING", scheme = "IMPLICIT", coordinates = "C", type = "HEALPIX", object;
  long nside = 2;
  int values_per_row = 1;
  std::string format = "E";
  std::vector<LONGLONG> pixels;  // a column PIXEL if there are any
  std::vector<double> values;
  std::string name = "T";

  void write(const std::string& path) const {
    int status = 0;
    fitsfile* file = nullptr;
    std::remove(path.c_str());
    fits_create_diskfile(&file, path.c_str(), &status);
    std::string pixel = "PIXEL", pixel_format = fmt::format("{}J", values_per_row), column = name,
                column_format = fmt::format("{}{}", values_per_row, format);
    std::array<char*, 2> names{pixel.data(), column.data()},
        formats{pixel_format.data(), column_format.data()};
    const int skipped = pixels.empty() ? 1 : 0;
    fits_create_tbl(file, BINARY_TBL, 0, 2 - skipped, &names[skipped], &formats[skipped], nullptr, "map",
                    &status);
    const auto key = [&](const char* keyword, const std::string& value) {
      if (!value.empty()) fits_write_key_str(file, keyword, value.c_str(), "", &status);
    };
    key("PIXTYPE", type);
    key("ORDERING", ordering);
    key("INDXSCHM", scheme);
    key("COORDSYS", coordinates);
    key("OBJECT", object);
    if (nside != 0) fits_write_key_lng(file, "NSIDE", nside, "", &status);
    if (skipped == 0)
      fits_write_col(file, TLONGLONG, 1, 1, 1, static_cast<LONGLONG>(pixels.size()),
                     const_cast<LONGLONG*>(pixels.data()), &status);
    if (format == "L") {
      std::vector<char> flags(values.begin(), values.end());
      fits_write_col(file, TLOGICAL, 2 - skipped, 1, 1, static_cast<LONGLONG>(flags.size()), flags.data(),
                     &status);
    } else if (format != "A") {
      fits_write_col(file, TDOUBLE, 2 - skipped, 1, 1, static_cast<LONGLONG>(values.size()),
                     const_cast<double*>(values.data()), &status);
    }
    fits_close_file(file, &status);
    REQUIRE(status == 0);
  }
};

/// Of nside 2: the NESTED index of each pixel of the RING scheme (Gorski et al. 2005, figure 4).
constexpr std::array<std::uint64_t, 48> nested_of_ring{
    3,  7,  11, 15, 2,  1,  6,  5,  10, 9,  14, 13, 19, 0,  23, 4,  27, 8,  31, 12, 17, 22, 21, 26,
    25, 30, 29, 18, 16, 35, 20, 39, 24, 43, 28, 47, 34, 33, 38, 37, 42, 41, 46, 45, 32, 36, 40, 44};

ForeignMap whole_sky() {
  ForeignMap map;
  for (int p = 0; p < 48; ++p) map.values.push_back(100.0 + p);
  return map;
}

ForeignMap some_pixels() {
  ForeignMap map;
  map.scheme = "EXPLICIT";
  map.pixels = {40, 5, 0, 21};
  map.values = {140.0, 105.0, 100.0, 121.0};
  return map;
}

/// The file of each rank is its own.
std::string file_of_rank(const test::TemporaryFolder& folder, const mpi::Communicator& comm) {
  return folder.path("map" + std::to_string(comm.rank()) + ".fits");
}

void require_same(const HealpixMap& a, const HealpixMap& b) {
  REQUIRE(a.nside == b.nside);
  REQUIRE(a.pixels == b.pixels);
  REQUIRE(a.values.size() == b.values.size());
  REQUIRE(std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                     [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }));
}

}  // namespace

TEST_CASE("HEALPix maps come back from FITS, whole and in part, with their holes") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  // Rows of one value and of 1024; nside 512 is more than one chunk.
  for (const std::uint64_t nside : {1U, 8U, 16U, 512U}) {
    HealpixMap whole{nside, {}, {}}, part{nside, {}, {}};
    for (std::uint64_t p = 0; p < 12 * nside * nside; ++p) {
      const double value = p % 7 == 3 ? no_value : std::sqrt(static_cast<double>(p)) - 5.0;
      whole.values.push_back(value);
      if (p % 11 > 8 || p % 5 == 1) continue;
      part.pixels.push_back(p);
      part.values.push_back(value);
    }
    for (const HealpixMap& map : {whole, part}) {
      io::write_healpix_fits(path, map, "kappa", {"1", "convergence"});
      require_same(io::read_healpix_fits(path, ""), map);
      require_same(io::read_healpix_fits(path, "KAPPA"), map);
    }
  }
}

TEST_CASE("a HEALPix map of another program is read into the NESTED order") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  for (const std::string ordering : {"RING", "NESTED"})
    for (const std::string format : {"E", "D", "I", "J", "K", "B"})
      for (const int per_row : {1, 4, 48}) {
        ForeignMap map = whole_sky();
        map.ordering = ordering;
        map.format = format;
        map.values_per_row = per_row;
        if (per_row == 1) map.coordinates.clear();
        map.write(path);
        const HealpixMap read = io::read_healpix_fits(path, "");
        REQUIRE(read.pixels.empty());
        REQUIRE(read.values.size() == 48);
        for (std::size_t p = 0; p < 48; ++p)
          REQUIRE(read.values[ordering == "RING" ? nested_of_ring[p] : p] == map.values[p]);
      }
}

TEST_CASE("a partial HEALPix map is read sorted by NESTED pixels") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  for (const int per_row : {1, 2}) {
    ForeignMap map = some_pixels();
    map.values_per_row = per_row;
    map.write(path);
    // RING 0, 5, 21, 40 are NESTED 3, 1, 22, 42.
    require_same(io::read_healpix_fits(path, "t"), {2, {1, 3, 22, 42}, {105.0, 100.0, 121.0, 140.0}});
    map.ordering = "NESTED";
    map.scheme.clear();
    map.object = "PARTIAL";
    map.write(path);
    require_same(io::read_healpix_fits(path, ""), {2, {0, 5, 21, 40}, {100.0, 105.0, 121.0, 140.0}});
  }
}

TEST_CASE("UNSEEN of a HEALPix map is NaN in both precisions, flags are 0 and 1") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  for (const std::string format : {"E", "D"}) {
    ForeignMap map = whole_sky();
    map.ordering = "NESTED";
    map.format = format;
    map.values[7] = -1.6375e30;
    map.values[8] = no_value;
    map.values[9] = -1.6e30;
    map.write(path);
    const HealpixMap read = io::read_healpix_fits(path, "");
    REQUIRE(std::isnan(read.values[7]));
    REQUIRE(std::isnan(read.values[8]));
    REQUIRE(read.values[9] == Approx(-1.6e30));
    REQUIRE(read.values[10] == 110.0);
  }
  ForeignMap flags = whole_sky();
  flags.ordering = "NESTED";
  flags.format = std::string("L");
  for (std::size_t p = 0; p < 48; ++p) flags.values[p] = p % 3 == 0 ? 1.0 : 0.0;
  flags.write(path);
  REQUIRE(io::read_healpix_fits(path, "").values == flags.values);
}

TEST_CASE("what is no good HEALPix map is refused with its file and the reason") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  const auto refuses = [&](ForeignMap map, const std::function<void(ForeignMap&)>& change,
                           const std::string& reason, const std::string& column = "") {
    change(map);
    map.write(path);
    CHECK_THROWS_WITH(io::read_healpix_fits(path, column), Catch::Contains(reason) && Catch::Contains(path));
    CHECK_THROWS_AS(io::read_healpix_fits(path, column), Error);
  };
  refuses(
      whole_sky(), [](auto& map) { map.coordinates = std::string("G"); }, "galactic");
  refuses(
      whole_sky(), [](auto& map) { map.coordinates = std::string("E"); }, "ecliptic");
  refuses(
      whole_sky(), [](auto& map) { map.coordinates = std::string("X"); }, "COORDSYS 'X'");
  refuses(
      whole_sky(), [](auto& map) { map.ordering = "NUNIQ"; }, "ORDERING 'NUNIQ'");
  refuses(
      whole_sky(), [](auto& map) { map.ordering = {}; }, "ORDERING ''");
  refuses(
      whole_sky(), [](auto& map) { map.scheme = "SPARSE"; }, "INDXSCHM 'SPARSE'");
  refuses(
      whole_sky(), [](auto& map) { map.type = {}; }, "no HEALPix map");
  refuses(
      whole_sky(), [](auto& map) { map.nside = 0; }, "NSIDE");
  refuses(
      whole_sky(), [](auto& map) { map.nside = 3; }, "NSIDE 3");
  refuses(
      whole_sky(), [](auto& map) { map.nside = -2; }, "NSIDE -2");
  refuses(
      whole_sky(), [](auto& map) { map.nside = 1L << 30; }, "NSIDE 1073741824");
  refuses(
      whole_sky(), [](auto& map) { map.nside = 4; }, "48 rows of 1 values where NSIDE 4 has 192 pixels");
  refuses(
      whole_sky(), [](auto& map) { map.values.pop_back(); }, "47 rows");
  refuses(
      whole_sky(), [](auto& map) { map.values_per_row = 5; }, "rows of 5 values");
  refuses(
      whole_sky(), [](auto& map) { map.format = std::string("A"); }, "does not hold numbers");
  refuses(
      whole_sky(), [](auto&) {}, "no column 'Q' (it has: T)", "Q");
  refuses(
      some_pixels(), [](auto& map) { map.pixels.clear(); }, "no column PIXEL");
  refuses(
      some_pixels(), [](auto& map) { map.pixels[1] = -1; }, "pixel -1");
  refuses(
      some_pixels(), [](auto& map) { map.pixels[1] = 48; }, "pixel 48");
  refuses(
      some_pixels(), [](auto& map) { map.pixels[1] = 21; }, "pixel 21 (RING) more than once");
  refuses(
      some_pixels(),
      [](auto& map) {
        for (int p = 0; p < 48; ++p) map.pixels.push_back(p);
      },
      "52 rows");
}

TEST_CASE("a HEALPix map that is cut off, none at all and a folder that is not there are refused") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  const HealpixMap map{16, {}, std::vector<double>(3072, 1.5)};
  io::write_healpix_fits(path, map, "kappa", {"1", "text"});
  const auto size = std::filesystem::file_size(path);
  for (const auto kept : {size - 1880, size - 2880, size / 2, std::uintmax_t{5760}, std::uintmax_t{100}}) {
    io::write_healpix_fits(path, map, "kappa", {"1", "text"});
    std::filesystem::resize_file(path, kept);
    const bool header_is_whole = kept >= size / 2;
    CHECK_THROWS_WITH(io::read_healpix_fits(path, ""), Catch::Contains(header_is_whole ? "truncated" : path));
    CHECK_THROWS_AS(io::read_healpix_fits(path, ""), Error);
  }
  std::ofstream(path) << "no FITS";
  CHECK_THROWS_AS(io::read_healpix_fits(path, ""), Error);
  CHECK_THROWS_WITH(io::read_healpix_fits(folder.path("missing"), ""), Catch::Contains("missing"));
  CHECK_THROWS_WITH(io::write_healpix_fits(folder.path("no/such/map.fits"), map, "kappa", {"1", "text"}),
                    Catch::Contains("cannot write"));
}

TEST_CASE("a HEALPix map that contradicts itself is not written") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = file_of_rank(folder, comm);
  const auto refuses = [&](const HealpixMap& map) {
    CHECK_THROWS_AS(io::write_healpix_fits(path, map, "kappa", {"1", "text"}), ContractViolation);
  };
  refuses({2, {}, std::vector<double>(47)});
  refuses({2, {1, 2}, {1.0}});
  refuses({2, {2, 1}, {1.0, 2.0}});
  refuses({2, {1, 1}, {1.0, 2.0}});
  refuses({2, {1, 48}, {1.0, 2.0}});
}
