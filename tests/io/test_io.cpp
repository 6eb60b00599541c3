#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "io/map_reader.hpp"
#include "io/map_writer.hpp"
#include "io/wcs.hpp"
#include "sky/block_distribution.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
namespace fs = std::filesystem;

namespace {

/// This rank's rows of a box in which a pixel's value is its global index.
struct IndexMap {
  IndexMap(const mpi::Communicator& comm, PaddedBox box) : stride(box.nx) {
    const BlockDistribution rows(box.ny, comm.size());
    first_row = rows.begin(comm.rank());
    for (std::uint64_t p = first_row * box.nx; p < rows.end(comm.rank()) * box.nx; ++p)
      values.push_back(static_cast<double>(p));
  }
  [[nodiscard]] io::BoxRows rows() const { return {values, first_row, stride}; }
  std::vector<double> values;
  std::uint64_t first_row = 0, stride;
};

}  // namespace

TEST_CASE("maps come back cropped, each value at its place") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("maps.h5");
  const PlaneGrid grid({150.1, -2.2}, 5, 7, 0.3);
  for (const PaddedBox box : {PaddedBox{5, 7}, PaddedBox{8, 12}}) {
    io::AtomicFile file(comm, path, true);
    {
      io::MapWriter writer(comm, file, 1e4, 5);
      writer.write_wcs(grid);
      const IndexMap map(comm, box);
      writer.write_map("/maps/index", grid, map.rows(), {"1", "global index"});
      writer.create_stack("/maps/stack", 3, grid, {"1", "slices"});
      for (const std::uint64_t slice : {2U, 0U, 1U}) {
        IndexMap shifted(comm, box);
        for (double& value : shifted.values) value += 1000.0 * static_cast<double>(slice);
        writer.write_slice("/maps/stack", slice, grid, shifted.rows());
      }
      const std::vector<double> share(static_cast<std::size_t>(comm.rank()), comm.rank());
      if (comm.size() > 1) writer.write_column("/column", share, {"1", "rank r writes r times r"});
      writer.write_table("/table", std::vector<double>{1, 2, 3, 4, 5, 6}, 2, {"1", "table"});
      CHECK_FALSE((comm.is_root() && fs::exists(path) && box.nx == 5));  // not visible before commit
      writer.commit();
    }
    const io::MapReader reader(path);
    for (std::uint64_t first : {0U, 3U}) {
      const auto values = reader.read_rows("/maps/index", first, 4);
      for (std::uint64_t i = 0; i < values.size(); ++i)
        REQUIRE(values[i] == static_cast<double>((first + i / 5) * box.nx + i % 5));
    }
    CHECK(reader.text_attribute("/maps/index", "description") == "global index");
    CHECK(reader.find_map("index") == "/maps/index");
    CHECK_THROWS_WITH(reader.find_map("nothing"), Catch::Contains("index"));
    const PlaneGrid back = reader.grid();
    CHECK(back.nx() == 5);
    CHECK(back.ny() == 7);
    CHECK(back.centre().ra == 150.1);
    CHECK(back.centre().dec == -2.2);
    CHECK(back.pixel_arcmin() == Approx(0.3).epsilon(1e-15));
    comm.barrier();
  }
}

TEST_CASE("an output that exists is refused, unless it may be replaced, and survives a failed run") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("precious.h5");
  if (comm.is_root()) std::ofstream(path) << "precious";
  comm.barrier();
  CHECK_THROWS_WITH(io::AtomicFile(comm, path, false), Catch::Contains("--overwrite"));
  {
    io::AtomicFile abandoned(comm, path, true);
    io::MapWriter writer(comm, abandoned, 1e4, 5);
    writer.create_group("/half");
  }
  comm.barrier();
  std::string content;
  std::ifstream(path) >> content;
  CHECK(content == "precious");
  CHECK_FALSE(fs::exists(path + ".partial"));
  comm.barrier();
}

TEST_CASE("a folder that is not there and a disk that is too small are refused at once") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  CHECK_THROWS_WITH(io::AtomicFile(comm, folder.path("no/such/out.h5"), false),
                    Catch::Contains("cannot write"));
  io::AtomicFile file(comm, folder.path("out.h5"), false);
  CHECK_THROWS_WITH(file.reserve(1e18), Catch::Contains("out.h5"));
  CHECK_NOTHROW(file.reserve(1e3));
}

TEST_CASE("a stale temporary of a killed run is no obstacle") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("out.h5");
  if (comm.is_root()) std::ofstream(path + ".partial") << "torn";
  comm.barrier();
  io::AtomicFile file(comm, path, false);
  io::MapWriter writer(comm, file, 1e4, 5);
  writer.create_group("/whole");
  writer.commit();
  CHECK(fs::exists(path));
  CHECK_FALSE(fs::exists(path + ".partial"));
  comm.barrier();
}

TEST_CASE("a file that is no map file is refused with its name") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string text = folder.path("text.h5");
  if (comm.is_root()) std::ofstream(text) << "not HDF5";
  comm.barrier();
  CHECK_THROWS_WITH(io::MapReader(text), Catch::Contains("text.h5"));
  CHECK_THROWS_WITH(io::MapReader(folder.path("missing.h5")), Catch::Contains("missing.h5"));
  comm.barrier();
}

TEST_CASE("FITS cards are 80 characters wide") {
  std::istringstream cards(io::fits_cards(PlaneGrid({150.123456789012, -2.2}, 360, 361, 0.29)));
  int count = 0;
  for (std::string card; std::getline(cards, card); ++count) CHECK(card.size() == 80);
  CHECK(count == 13);
}
