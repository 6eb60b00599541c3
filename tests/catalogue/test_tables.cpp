// Every value names its place: row + 1000 * column, so that a row or a column read twice, left out or swapped
// shows.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include <catch2/catch.hpp>
#include <fitsio.h>
#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "io/hdf5_handle.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using namespace tessera::catalogue;
using Catch::Contains;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

std::vector<double> column(int c, int rows, int first = 0) {
  std::vector<double> values;
  for (int row = first; row < first + rows; ++row) values.push_back(row + 1000.0 * c);
  return values;
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

/// The shares of several numbers of ranks, one behind the other, are the whole; no rank has far more than its
/// part.
void check_shares(const Table& table, const std::vector<std::string>& names, const TableShare& expected,
                  std::size_t slack = 0) {
  for (const int ranks : {1, 2, 3, 7, 1009}) {
    INFO("ranks: " << ranks << ", rows: " << expected[0].size());
    const std::size_t part =
        (expected[0].size() + static_cast<std::size_t>(ranks) - 1) / static_cast<std::size_t>(ranks);
    TableShare all(names.size());
    for (int rank = 0; rank < ranks; ++rank) {
      const TableShare share = table.read_share(names, rank, ranks);
      REQUIRE(share.size() == names.size());
      CHECK(share[0].size() <= part + slack);
      for (std::size_t c = 0; c < names.size(); ++c)
        all[c].insert(all[c].end(), share[c].begin(), share[c].end());
    }
    for (std::size_t c = 0; c < names.size(); ++c) {
      INFO("column: " << names[c]);
      CHECK(same(all[c], expected[c]));
    }
  }
}

/// A folder and the errors that opening and reading a file in it give.
struct Files {
  mpi::Communicator comm{MPI_COMM_SELF};
  test::TemporaryFolder folder{comm};

  [[nodiscard]] std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder.path(name), std::ios::binary) << bytes;
    return folder.path(name);
  }
};

std::string error_of(const TableLocation& location, const std::vector<std::string>& names = {}) {
  try {
    const auto table = open_table(location);
    if (!names.empty()) static_cast<void>(table->read_share(names, 0, 1));
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Contains(location.path));
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "no error";
}

/// An empty image, the table WRONG and the table CAT. Column I has TNULL in row 2, E NaN in row 3, and S
/// holds scaled integers, U unsigned ones too large for signed ones.
void write_fits(const std::string& path, int rows) {
  int status = 0;
  fitsfile* file = nullptr;
  std::vector<std::string> names{"D", "I", "E", "S", "TXT", "VEC", "U", "FLAG", "OTHER"};
  std::vector<std::string> formats{"1D", "1I", "1E", "1I", "1A", "3D", "1U", "1L", "1D"};
  std::vector<char*> types, forms;
  for (std::string& name : names) types.push_back(name.data());
  for (std::string& format : formats) forms.push_back(format.data());
  fits_create_file(&file, path.c_str(), &status);  // packs if the name ends with .gz
  fits_create_tbl(file, BINARY_TBL, rows, 8, types.data(), forms.data(), nullptr, "CAT", &status);
  int null = -99;
  fits_write_key(file, TINT, "TNULL2", &null, "", &status);
  fits_set_hdustruc(file, &status);
  for (int c = 0; c < 3; ++c) {
    auto values = column(c, rows);
    if (c == 2 && rows > 3) values[3] = nan_value;
    fits_write_col(file, TDOUBLE, c + 1, 1, 1, rows, values.data(), &status);
  }
  if (rows > 2) fits_write_col(file, TINT, 2, 3, 1, 1, &null, &status);
  // Stored as they are, then declared to be scaled: 3000 + row = 3000 + 0.5 * (2 * row).
  std::vector<double> doubled;
  for (int row = 0; row < rows; ++row) doubled.push_back(2.0 * row);
  fits_write_col(file, TDOUBLE, 4, 1, 1, rows, doubled.data(), &status);
  fits_write_key_dbl(file, "TSCAL4", 0.5, -15, "", &status);
  fits_write_key_dbl(file, "TZERO4", 3000.0, -15, "", &status);
  fits_write_col(file, TDOUBLE, 7, 1, 1, rows, column(40, rows).data(), &status);
  fits_create_tbl(file, BINARY_TBL, 1, 1, &types[8], &forms[8], nullptr, "Second", &status);
  double value = 7.0;
  fits_write_col(file, TDOUBLE, 1, 1, 1, 1, &value, &status);
  fits_close_file(file, &status);
  REQUIRE(status == 0);
}

void write_dataset(hid_t file, const std::string& path, const std::vector<double>& values,
                   hid_t type = H5T_IEEE_F64LE) {
  const hsize_t size = values.size();
  const io::SpaceHandle space(H5Screate_simple(1, &size, nullptr));
  const io::PropertyHandle links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links.get(), 1);
  const io::DatasetHandle dataset(
      H5Dcreate2(file, path.c_str(), type, space.get(), links.get(), H5P_DEFAULT, H5P_DEFAULT));
  REQUIRE(dataset);
  if (size > 0)
    REQUIRE(H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
}

struct Record {
  double x;
  int id;
  float y;
};

void write_records(hid_t file, const std::string& path, int rows) {
  std::vector<Record> records;
  for (int row = 0; row < rows; ++row)
    records.push_back({1.0 * row, row + 1000, static_cast<float>(row + 2000)});
  const io::TypeHandle type(H5Tcreate(H5T_COMPOUND, sizeof(Record)));
  H5Tinsert(type.get(), "x", HOFFSET(Record, x), H5T_NATIVE_DOUBLE);
  H5Tinsert(type.get(), "id", HOFFSET(Record, id), H5T_NATIVE_INT);
  H5Tinsert(type.get(), "y", HOFFSET(Record, y), H5T_NATIVE_FLOAT);
  const hsize_t size = records.size();
  const io::SpaceHandle space(H5Screate_simple(1, &size, nullptr));
  const io::DatasetHandle dataset(
      H5Dcreate2(file, path.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  REQUIRE(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, records.data()) >= 0);
}

io::FileHandle new_hdf5(const std::string& path) {
  return io::FileHandle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
}

}  // namespace

TEST_CASE("files that are no tables are refused with the reason") {
  const Files files;
  CHECK_THAT(error_of({files.folder.path("none.fits"), ""}), Contains("does not exist"));
  CHECK_THAT(error_of({files.folder.path(""), ""}), Contains("is a folder"));
  CHECK_THAT(error_of({files.write("empty.csv", ""), ""}), Contains("is empty"));
  CHECK_THAT(error_of({files.write("zip.csv", std::string("PK\3\4\0\0ra,dec", 12)), ""}),
             Contains("neither FITS nor HDF5 nor text"));
  CHECK_THAT(error_of({files.write("short.hdf5", "\x89HDF\r\n\x1a\nra,dec"), ""}), Contains("HDF5"));
  CHECK_THAT(error_of({files.write("short.fits", "SIMPLE  =                    T"), ""}), Contains("FITS"));
  CHECK_THAT(error_of({files.write("text.csv.gz", "\x1f\x8bra,dec"), ""}), Contains("cannot open FITS file"));
}

TEST_CASE("FITS tables are read by any number of ranks") {
  const Files files;
  // The last is more than cfitsio holds in its buffers at a time.
  for (const int rows : {0, 1, 7, 1000, 10000}) {
    const std::string path = files.folder.path(std::to_string(rows) + ".fits");
    write_fits(path, rows);
    const auto table = open_table({path, ""});
    CHECK(table->column_names() == std::vector<std::string>{"D", "I", "E", "S", "TXT", "VEC", "U", "FLAG"});
    TableShare expected{column(3, rows), column(2, rows), column(1, rows), column(0, rows), column(40, rows)};
    if (rows > 3) expected[1][3] = expected[2][2] = nan_value;
    check_shares(*table, {"S", "e", "I", "d", "u"}, expected);
  }
}

TEST_CASE("a FITS extension is found by name without case, or by number; what is not there is reported") {
  const Files files;
  const std::string path = files.folder.path("a.fits");
  write_fits(path, 5);
  for (const char* section : {"second", "2"})
    CHECK(open_table({path, section})->read_share({"OTHER"}, 0, 1)[0] == std::vector<double>{7.0});
  CHECK(open_table({path, "cat"})->read_share({"D"}, 0, 1)[0] == column(0, 5));
  CHECK_THAT(error_of({path, "third"}), Contains("'third' (it has: CAT, Second)"));
  CHECK_THAT(error_of({path, ""}, {"D", "w"}),
             Contains("no column 'w' (it has: D, I, E, S, TXT, VEC, U, FLAG)"));
  CHECK_THAT(error_of({path, ""}, {"TXT"}), Contains("'TXT'") && Contains("text"));
  CHECK_THAT(error_of({path, ""}, {"VEC"}), Contains("'VEC'") && Contains("arrays"));
  CHECK_THAT(error_of({path, ""}, {"flag"}), Contains("'flag'") && Contains("flags"));
}

TEST_CASE("a truncated FITS file is refused, a compressed one is read") {
  const Files files;
  const std::string path = files.folder.path("a.fits");
  write_fits(path, 1000);
  write_fits(files.folder.path("b.fits.gz"), 1000);
  std::string start(2, ' ');
  std::ifstream(files.folder.path("b.fits.gz"), std::ios::binary).read(start.data(), 2);
  REQUIRE(start == "\x1f\x8b");
  check_shares(*open_table({files.folder.path("b.fits.gz"), ""}), {"D"}, {column(0, 1000)});
  std::filesystem::copy_file(files.folder.path("b.fits.gz"), files.folder.path("c"));
  check_shares(*open_table({files.folder.path("c"), ""}), {"D"}, {column(0, 1000)});

  std::filesystem::resize_file(files.folder.path("b.fits.gz"),
                               std::filesystem::file_size(files.folder.path("b.fits.gz")) / 2);
  CHECK_THAT(error_of({files.folder.path("b.fits.gz"), ""}, {"D"}), Contains("truncated"));

  for (const std::uintmax_t bytes : {20000U, 6000U}) {
    std::filesystem::resize_file(path, bytes);
    CHECK_THAT(error_of({path, ""}, {"D"}), Contains("truncated") && Contains(std::to_string(bytes)));
  }
  std::filesystem::resize_file(path, 2880);
  CHECK_THAT(error_of({path, ""}, {"D"}), Contains("no binary table extension"));
}

TEST_CASE("HDF5 groups with a dataset per column are read by any number of ranks") {
  const Files files;
  for (const int rows : {0, 1, 7, 1000})
    for (const std::string group : {"", "catalog/sample"}) {
      const std::string path = files.folder.path("a.hdf5");
      {
        const io::FileHandle file = new_hdf5(path);
        write_dataset(file.get(), group + "/b", column(0, rows), H5T_STD_I32BE);
        write_dataset(file.get(), group + "/c", column(1, rows), H5T_IEEE_F32LE);
        write_dataset(file.get(), group + "/a", column(2, rows));
      }
      const auto table = open_table({path, ""});
      CHECK(table->column_names() == std::vector<std::string>{"a", "b", "c"});
      check_shares(*table, {"c", "a", "b", "c"},
                   {column(1, rows), column(2, rows), column(0, rows), column(1, rows)});
    }
}

TEST_CASE("TXPipe's bins are read in the order of their numbers, and bin_all instead of them") {
  const Files files;
  const std::string path = files.folder.path("a.hdf5");
  // From the last to the first, which is not the order of the alphabet.
  const std::vector<std::pair<std::string, int>> bins{
      {"bin_10", 4}, {"bin_3", 0}, {"bin_2", 2}, {"bin_1", 3}, {"bin_0", 7}};
  {
    const io::FileHandle file = new_hdf5(path);
    write_dataset(file.get(), "counts", {1.0, 2.0});
    int first = 16;
    for (const auto& [bin, rows] : bins) {
      first -= rows;
      write_dataset(file.get(), "shear/" + bin + "/ra", column(0, rows, first));
      write_dataset(file.get(), "shear/" + bin + "/g1", column(1, rows, first));
    }
    write_dataset(file.get(), "shear/bin_1/only_here", column(1, 3));
  }
  const TableShare expected{column(1, 16), column(0, 16)};
  CHECK(open_table({path, ""})->column_names() == std::vector<std::string>{"g1", "ra"});
  check_shares(*open_table({path, ""}), {"g1", "ra"}, expected);
  {
    const io::FileHandle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    write_dataset(file.get(), "shear/bin_all/ra", column(5, 20));
  }
  check_shares(*open_table({path, ""}), {"ra"}, {column(5, 20)});
  check_shares(*open_table({path, "/shear/bin_*"}), {"g1", "ra"}, expected);
  check_shares(*open_table({path, "shear/bin_1"}), {"ra"}, {column(0, 3, 7)});
}

TEST_CASE("HDF5 records are read by any number of ranks") {
  const Files files;
  const std::string path = files.folder.path("a.hdf5");
  for (const int rows : {1, 7, 1000, 70000}) {
    {
      const io::FileHandle file = new_hdf5(path);
      write_records(file.get(), "table", rows);
    }
    for (const char* section : {"", "table", "/"}) {
      const auto table = open_table({path, section});
      CHECK(table->column_names() == std::vector<std::string>{"x", "id", "y"});
      check_shares(*table, {"y", "id", "x", "id"},
                   {column(2, rows), column(1, rows), column(0, rows), column(1, rows)});
    }
  }
}

TEST_CASE("an HDF5 file with no clear table, or one that is broken, is refused") {
  const Files files;
  const std::string path = files.folder.path("a.hdf5");
  {
    const io::FileHandle file = new_hdf5(path);
    write_dataset(file.get(), "first/ra", column(0, 5));
    write_dataset(file.get(), "first/dec", column(1, 6));
  }
  CHECK_THAT(error_of({path, "first"}, {"ra", "dec"}), Contains("'ra' (5 rows) and 'dec' (6 rows)"));
  CHECK_THAT(error_of({path, "first"}, {"ra", "w"}), Contains("no column 'w' (it has: dec, ra)"));
  CHECK_THAT(error_of({path, "fist"}), Contains("no table 'fist' (it has: first)"));
  CHECK_THAT(error_of({path, "bin_*"}), Contains("no table 'bin_*' (it has: first)"));
  {
    const io::FileHandle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    write_dataset(file.get(), "second/ra", column(2, 5));
  }
  // Only the second group's columns are equally long.
  check_shares(*open_table({path, ""}), {"ra"}, {column(2, 5)});
  {
    const io::FileHandle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    write_records(file.get(), "second/records", 5);
  }
  CHECK_THAT(error_of({path, ""}), Contains("(first, second, second/records)") && Contains("--section"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK_THAT(error_of({path, "second"}), Contains("truncated"));
  static_cast<void>(new_hdf5(path));
  CHECK_THAT(error_of({path, ""}), Contains("no one-dimensional numeric datasets"));
}

TEST_CASE("CSV files are read by any number of ranks") {
  const Files files;
  for (const int rows : {0, 1, 7, 1000})
    for (const std::string separator : {",", ";", "\t", " ", " , ", "  "})
      for (const std::string end : {"\n", "\r\n"}) {
        std::string text = fmt::format("ra{0}\"e1\"{0}z{1}", separator, end);
        for (int row = 0; row < rows; ++row)
          text += fmt::format("{1}{0}{2}{0}+{3}e3{4}", separator, row, row + 1000, (row + 2000) / 1e3, end);
        const bool cut = rows == 7;  // the last line without its end
        const auto table =
            open_table({files.write("a.csv", cut ? text.substr(0, text.size() - end.size()) : text), ""});
        CHECK(table->column_names() == std::vector<std::string>{"ra", "e1", "z"});
        check_shares(*table, {"z", "ra", "z"}, {column(2, rows), column(0, rows), column(2, rows)}, 8);
      }
}

TEST_CASE("every line belongs to one rank, wherever the ranks' bytes meet") {
  const Files files;
  // One byte more in each file's first line moves all borders between ranks by less than a line.
  for (std::size_t width = 0; width < 12; ++width) {
    std::string text = "a\n" + std::string(width, '0') + "0\n\n# comment, with, commas\n";
    for (int row = 1; row < 20; ++row) text += std::to_string(row) + (row % 3 == 0 ? "\n\n" : "\n");
    check_shares(*open_table({files.write("a.csv", text), ""}), {"a"}, {column(0, 20)}, 8);
  }
}

TEST_CASE("the line of column names may be a comment, or ECSV's") {
  const Files files;
  const auto names = [&](const std::string& text) {
    const auto table = open_table({files.write("a.csv", text), ""});
    const auto& found = table->column_names();
    check_shares(*table, {found[0], found[1]}, {{1.0, 2.0}, {1001.0, 1002.0}}, 8);
    return found;
  };
  const std::vector<std::string> expected{"ra", "g1"};
  CHECK(names("# made by hand\n\n#ra g1\n1 1001\n2 1002\n") == expected);
  CHECK(names("# \"ra\" , g1\n#\n1,1001\n2,1002\n") == expected);
  CHECK(names("# made by hand\nra,g1\n1,1001\n2,1002") == expected);
  CHECK(names("\xEF\xBB\xBFra,g1\n1,1001\n2,1002") == expected);
  CHECK(names("#ra g1 name\n1 1001 one\n2 1002 two\n") == std::vector<std::string>{"ra", "g1", "name"});
  CHECK(names("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: 'RA, deg', unit: deg, datatype: float64}\n"
              "# - {name: g1, datatype: float64}\n# - {name: by, datatype: string}\n# schema: astropy-2.0\n"
              "\"RA, deg\" g1 by\n1.0 1001.0 \"A, B\"\n2.0 1002.0 \"\"\n") ==
        std::vector<std::string>{"RA, deg", "g1", "by"});
  const auto none = open_table({files.write("a.csv", "# ra dec\n"), ""});
  CHECK(none->read_share({"dec"}, 0, 1)[0].empty());
}

TEST_CASE("what stands for a missing value in a CSV file is NaN, other text is refused") {
  const Files files;
  std::string text = "a,b\n";
  for (const char* word : {"", "nan", "NaN", "null", "NA", "--", " \t", "\"\""})
    text += fmt::format("{},7\n", word);
  const auto table = open_table({files.write("a.csv", text), ""});
  check_shares(*table, {"a", "b"}, {std::vector<double>(8, nan_value), std::vector<double>(8, 7.0)}, 8);
  const auto limits = open_table({files.write("a.csv", "a\n-1e-400\n.5\n1E3\n"), ""});
  check_shares(*limits, {"a"}, {{0.0, 0.5, 1000.0}}, 8);

  for (const std::string word : {"x", "1.0x", "0x10", "1 2", "+-1", "N/A", "1,5"}) {
    const std::string path = files.write("a.csv", "a;b\n1;2\n\n1;" + word + "\n");
    CHECK(open_table({path, ""})->read_share({"a"}, 0, 1)[0] == std::vector<double>{1.0, 1.0});
    CHECK_THAT(error_of({path, ""}, {"a", "b"}),
               Contains("line 4") && Contains("'" + word + "' in column 'b'"));
  }
}

TEST_CASE("malformed CSV files are refused") {
  const Files files;
  CHECK_THAT(error_of({files.write("a.csv", "1.0,2.0\n3.0,4.0\n"), ""}), Contains("names of the columns"));
  CHECK_THAT(error_of({files.write("a.csv", "\n#\n\n"), ""}), Contains("names of the columns"));
  CHECK_THAT(error_of({files.write("a.csv", "a,b\n1,2\n"), "table"}), Contains("no section 'table'"));
  CHECK_THAT(error_of({files.write("a.csv", "a,b\n1,2\n"), ""}, {"a", "c"}),
             Contains("no column 'c' (it has: a, b)"));
  for (const char* line : {"1", "1,2,3", "1,2,"})
    CHECK_THAT(error_of({files.write("a.csv", fmt::format("a,b\n1,2\n{}\n1,2\n", line)), ""}, {"a"}),
               Contains("line 3") && Contains("fields, but the line of names has 2 (a, b)"));
}
