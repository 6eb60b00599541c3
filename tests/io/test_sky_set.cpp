#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>
#include <hdf5.h>

#include "core/error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_read.hpp"
#include "io/sky_set.hpp"
#include "sky/block_distribution.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;

namespace {

constexpr std::uint64_t count = 9, ny = 7, nx = 5;

io::SkySetHeader header() {
  return {count, ny, nx, 0.29, false, true, "nine skies", {"file", "sigma_8"}, {10.0, 100.5, 3000.0}};
}

/// Every number says where it stands.
io::SkySetTables tables() {
  io::SkySetTables t;
  for (std::uint64_t s = 0; s < count; ++s) {
    t.split.push_back(static_cast<io::Split>(s % 3));
    t.realisation.push_back((1ULL << 52U) + s);
    for (int column = 0; column < 2; ++column)
      t.parameters.push_back(0.1 * static_cast<double>(s) + 100.0 * column);
    for (int l = 0; l < 3; ++l) t.c_ell.push_back(1e-9 / (1.0 + static_cast<double>(3 * s) + l));
  }
  return t;
}

/// Rows [first, end) of sky `index`, a pixel's value being its global index, in a box of `stride` columns.
std::vector<double> rows(std::uint64_t index, std::uint64_t first, std::uint64_t end, std::uint64_t stride) {
  std::vector<double> values;
  for (std::uint64_t y = first; y < end; ++y)
    for (std::uint64_t x = 0; x < stride; ++x)
      values.push_back(x < nx ? static_cast<double>((index * ny + y) * nx + x) : -1.0);
  return values;
}

/// Whole skies, each written by one rank; in the last call some ranks have none.
void write_by_sky(io::SkySetWriter& writer, const mpi::Communicator& comm) {
  const auto ranks = static_cast<std::uint64_t>(comm.size());
  for (std::uint64_t first = 0; first < count; first += ranks) {
    const std::uint64_t index = first + static_cast<std::uint64_t>(comm.rank());
    const auto values = index < count ? rows(index, 0, ny, nx) : std::vector<double>{};
    writer.write(std::min(index, count - 1), {values, 0, nx});
  }
}

/// Each sky shared by all ranks as rows of a wider and higher box; with seven ranks the last have none.
void write_by_rows(io::SkySetWriter& writer, const mpi::Communicator& comm) {
  constexpr std::uint64_t box_ny = 8, box_nx = 6;
  const BlockDistribution layout(box_ny, comm.size());
  for (std::uint64_t index = count; index-- > 0;) {
    const auto values = rows(index, layout.begin(comm.rank()), layout.end(comm.rank()), box_nx);
    writer.write(index, {values, layout.begin(comm.rank()), box_nx});
  }
}

template <class Write>
void write_set(const mpi::Communicator& comm, const std::string& path, Write&& write) {
  io::AtomicFile file(comm, path, true);
  io::SkySetWriter writer(comm, file, header());
  write(writer, comm);
  writer.write_tables(tables());
  writer.commit();
}

void check_skies(const io::SkySetReader& set) {
  for (std::uint64_t index = 0; index < count; ++index)
    for (const auto& [first, rows_read] : {std::array<std::uint64_t, 2>{0, ny}, {3, 2}, {ny, 0}})
      CHECK(set.read_rows(index, first, rows_read) == rows(index, first, first + rows_read, nx));
}

/// Replaces a dataset by another shape or other values.
void replace(hid_t file, const char* name, const std::vector<hsize_t>& shape,
             const std::vector<double>& values) {
  H5Ldelete(file, name, H5P_DEFAULT);
  const io::SpaceHandle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  const io::DatasetHandle dataset(
      H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
}

void set_attribute(hid_t file, const char* name, hid_t type, const void* value) {
  H5Adelete_by_name(file, "/skies", name, H5P_DEFAULT);
  const io::SpaceHandle scalar(H5Screate(H5S_SCALAR));
  const io::AttributeHandle attribute(
      H5Acreate_by_name(file, "/skies", name, type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  REQUIRE(H5Awrite(attribute.get(), type, value) >= 0);
}

void set_number(hid_t file, const char* name, double value) {
  set_attribute(file, name, H5T_NATIVE_DOUBLE, &value);
}

void set_text(hid_t file, const char* name, const char* text) {
  const io::TypeHandle type = io::utf8_string_type();
  set_attribute(file, name, type.get(), static_cast<const void*>(&text));
}

struct Damage {
  std::function<void(hid_t)> change;
  std::vector<std::string> message;  // what it must contain
};

std::vector<Damage> damages() {
  const auto removed = [](const char* name) {
    return Damage{[name](hid_t file) { H5Ldelete(file, name, H5P_DEFAULT); }, {name}};
  };
  const auto replaced = [](const char* name, std::vector<hsize_t> shape, std::vector<double> values,
                           const char* word) {
    return Damage{[=](hid_t file) { replace(file, name, shape, values); }, {name, word}};
  };
  const std::vector<double> zeros(count * 3, 0.0);
  std::vector<double> bad_split(count, 0.0), nan_power(count * 3, 1e-9), negative(count, 1.0);
  bad_split[4] = 1.5;
  nan_power[7] = NAN;
  negative[8] = -1.0;
  return {
      removed("/skies/kappa"),
      removed("/skies/split"),
      removed("/skies/realisation"),
      removed("/skies/ell"),
      removed("/skies/c_ell"),
      replaced("/skies/split", {count - 1}, zeros, "8 numbers where 9"),
      replaced("/skies/split", {count}, bad_split, "1.5"),
      replaced("/skies/realisation", {count + 1}, std::vector<double>(count + 1), "10 numbers where 9"),
      replaced("/skies/realisation", {count}, negative, "-1"),
      replaced("/skies/c_ell", {count, 2}, zeros, "18 numbers where 27"),
      replaced("/skies/c_ell", {count, 3}, nan_power, "nan"),
      replaced("/skies/ell", {3}, {10.0, 9.0, 11.0}, "increase"),
      replaced("/skies/ell", {3}, {0.0, 9.0, 11.0}, "increase"),
      replaced("/skies/kappa", {count, ny}, std::vector<double>(count * ny), "[sky][ny][nx]"),
      {[](hid_t file) {
         replace(file, "/skies/kappa", {count - 1, ny, nx}, std::vector<double>((count - 1) * ny * nx));
       },
       {"/skies/split", "9 numbers where 8"}},
      {[](hid_t file) { set_text(file, "format", "tessera skies 99"); }, {"tessera skies 99", "reads"}},
      {[](hid_t file) { H5Adelete_by_name(file, "/skies", "format", H5P_DEFAULT); }, {"format"}},
      {[](hid_t file) { H5Adelete_by_name(file, "/skies", "periodic", H5P_DEFAULT); }, {"periodic"}},
      {[](hid_t file) { set_number(file, "pixel_arcmin", -0.29); }, {"-0.29"}},
      {[](hid_t file) { H5Adelete_by_name(file, "/skies/parameters", "names", H5P_DEFAULT); }, {"names"}}};
}

}  // namespace

TEST_CASE("a set comes back: skies that single ranks write, skies that all ranks share, tables") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("skies.h5");
  for (const auto write : {write_by_sky, write_by_rows}) {
    write_set(comm, path, write);
    CHECK(io::SkySetReader::is_sky_set(path));
    const io::SkySetReader set(path);
    check_skies(set);
    const io::SkySetHeader expected = header();
    CHECK(set.header().count == expected.count);
    CHECK(set.header().ny == expected.ny);
    CHECK(set.header().nx == expected.nx);
    CHECK(set.header().pixel_arcmin == expected.pixel_arcmin);
    CHECK(set.header().periodic == expected.periodic);
    CHECK(set.header().pixel_averaged == expected.pixel_averaged);
    CHECK(set.header().source == expected.source);
    CHECK(set.header().spectrum_source == "given");
    CHECK(set.header().parameter_names == expected.parameter_names);
    CHECK(set.header().ell == expected.ell);
    CHECK(set.tables().split == tables().split);
    CHECK(set.tables().realisation == tables().realisation);
    CHECK(set.tables().parameters == tables().parameters);
    CHECK(set.tables().c_ell == tables().c_ell);
    const auto all = tables().c_ell;
    CHECK(set.c_ell(4) == std::vector<double>(all.begin() + 12, all.begin() + 15));
    comm.barrier();
  }
}

TEST_CASE("skies are stored in single precision") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("skies.h5");
  {
    io::AtomicFile file(comm, path, false);
    io::SkySetHeader one = header();
    one.count = 1;
    one.parameter_names.clear();
    io::SkySetWriter writer(comm, file, one);
    const std::vector<double> third(comm.is_root() ? nx * ny : 0, 1.0 / 3.0);
    writer.write(0, {third, 0, nx});
    writer.write_tables({{io::Split::test}, {0}, {}, {1.0, 2.0, 3.0}});
    writer.commit();
  }
  const io::SkySetReader set(path);
  CHECK(set.read_rows(0, 2, 1) == std::vector<double>(nx, static_cast<double>(1.0F / 3.0F)));
  CHECK(set.header().parameter_names.empty());
  CHECK(set.tables().parameters.empty());
  const io::FileHandle file = io::open_for_reading(path);
  const io::DatasetHandle kappa(H5Dopen2(file.get(), "/skies/kappa", H5P_DEFAULT));
  const io::TypeHandle type(H5Dget_type(kappa.get()));
  CHECK(H5Tequal(type.get(), H5T_IEEE_F32LE) > 0);
}

TEST_CASE("a set that is damaged or none is refused with its name and what is wrong") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("skies.h5");
  for (const Damage& damage : damages()) {
    write_set(comm, path, write_by_sky);
    if (comm.is_root()) {
      const io::FileHandle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
      damage.change(file.get());
    }
    comm.barrier();
    CAPTURE(damage.message);
    CHECK_THROWS_AS(io::SkySetReader(path), Error);
    CHECK_THROWS_WITH(io::SkySetReader(path), Catch::Contains("skies.h5"));
    for (const std::string& word : damage.message)
      CHECK_THROWS_WITH(io::SkySetReader(path), Catch::Contains(word));
    comm.barrier();
  }
  const std::string text = folder.path("text.h5");
  if (comm.is_root()) std::ofstream(text) << "not HDF5";
  comm.barrier();
  CHECK_THROWS_WITH(io::SkySetReader(text), Catch::Contains("text.h5"));
  CHECK_THROWS_WITH(io::SkySetReader::is_sky_set(text), Catch::Contains("text.h5"));
  comm.barrier();
}

TEST_CASE("tables that do not fit the header are a broken contract") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  io::AtomicFile file(comm, folder.path("skies.h5"), false);
  io::SkySetHeader blank = header();
  blank.parameter_names = {"two words"};
  CHECK_THROWS_AS(io::SkySetWriter(comm, file, blank), ContractViolation);
  io::SkySetWriter writer(comm, file, header());
  for (auto member : {&io::SkySetTables::parameters, &io::SkySetTables::c_ell}) {
    io::SkySetTables wrong = tables();
    (wrong.*member).pop_back();
    CHECK_THROWS_AS(writer.write_tables(wrong), ContractViolation);
  }
  io::SkySetTables wrong = tables();
  wrong.realisation[3] = UINT64_MAX;  // a double would bring back another number
  CHECK_THROWS_AS(writer.write_tables(wrong), ContractViolation);
  CHECK_THROWS_AS(writer.write(count, {{}, 0, nx}), ContractViolation);
}
