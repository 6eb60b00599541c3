// Binary table extensions of FITS files, also of files compressed with gzip. Columns are scalar numbers of
// any type; TSCAL, TZERO and TNULL are applied, and names are compared without case, as FITS asks.
#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <strings.h>

#include <fitsio.h>
#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::catalogue {
namespace {

struct Closer {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
    fits_clear_errmsg();
  }
};
using FitsFile = std::unique_ptr<fitsfile, Closer>;

void check(int status, const std::string& path, const std::string& what,
           const char* advice = "check that it is complete, for example with fitsverify") {
  if (status == 0) return;
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  fits_clear_errmsg();
  fail("cannot {} FITS file '{}' ({}); {}", what, path, std::string(text.data()), advice);
}

bool equal_ignoring_case(const std::string& a, const std::string& b) {
  return strcasecmp(a.c_str(), b.c_str()) == 0;
}

FitsFile open_file(const std::string& path) {
  int status = 0;
  fitsfile* raw = nullptr;
  fits_open_diskfile(&raw, path.c_str(), READONLY, &status);
  check(status, path, "open",
        "check that it is complete; a packed file that is not FITS must be unpacked first");
  return FitsFile(raw);
}

/// Bytes of the file on the disk; for a compressed file no number is too large.
std::uintmax_t size_on_disk(fitsfile* file, const std::string& path) {
  int status = 0;
  std::array<char, FLEN_FILENAME> driver{};
  fits_url_type(file, driver.data(), &status);
  check(status, path, "open");
  if (std::strcmp(driver.data(), "file://") != 0) return std::numeric_limits<std::uintmax_t>::max();
  return std::filesystem::file_size(path);
}

/// cfitsio would fill what is missing from the current extension with zeros or stop in the middle.
void require_complete(fitsfile* file, const std::string& path, std::uintmax_t size) {
  int status = 0;
  LONGLONG end = 0;
  fits_get_hduaddrll(file, nullptr, nullptr, &end, &status);
  check(status, path, "read");
  if (static_cast<std::uintmax_t>(end) > size)
    fail("FITS file '{}' is truncated: its header promises {} bytes, there are {}; copy or write it again",
         path, end, size);
}

/// EXTNAME; empty if there is none.
std::string extension_name(fitsfile* file) {
  int status = 0;
  std::array<char, FLEN_VALUE> name{};
  fits_read_key_str(file, "EXTNAME", name.data(), nullptr, &status);
  if (status != 0) fits_clear_errmsg();
  return status == 0 ? name.data() : "";
}

/// Makes the table extension that the user wants the current one: by name, by number, or the first.
void move_to_table(fitsfile* file, const TableLocation& location) {
  const std::string& section = location.section;
  const std::uintmax_t size = size_on_disk(file, location.path);
  std::vector<std::string> tables;
  for (int hdu = 1;; ++hdu) {
    int status = 0, type = 0;
    fits_movabs_hdu(file, hdu, &type, &status);
    if (status == END_OF_FILE) break;
    check(status, location.path, "read the headers of");
    require_complete(file, location.path, size);
    if (type != BINARY_TBL) continue;
    const std::string number = std::to_string(hdu - 1), name = extension_name(file);
    if (section.empty() || section == number || equal_ignoring_case(section, name)) return;
    tables.push_back(name.empty() ? number : name);
  }
  fits_clear_errmsg();
  if (tables.empty())
    fail("FITS file '{}' has no binary table extension, or it ends before one; give a file with a catalogue",
         location.path);
  fail("FITS file '{}' has no binary table extension '{}' (it has: {}); choose with --section", location.path,
       section, fmt::join(tables, ", "));
}

class FitsTable final : public Table {
 public:
  explicit FitsTable(const TableLocation& location) : path_(location.path), file_(open_file(location.path)) {
    move_to_table(file_.get(), location);
    int status = 0, columns = 0;
    LONGLONG rows = 0;
    fits_get_num_cols(file_.get(), &columns, &status);
    fits_get_num_rowsll(file_.get(), &rows, &status);
    for (int c = 1; c <= columns; ++c) {
      std::array<char, FLEN_VALUE> name{};
      fits_get_bcolparmsll(file_.get(), c, name.data(), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                           nullptr, &status);
      names_.emplace_back(name.data());
    }
    check(status, path_, "read the table header of");
    rows_ = static_cast<std::uint64_t>(rows);
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    TESSERA_REQUIRE(!names.empty() && 0 <= rank && rank < ranks);
    std::vector<int> numbers;
    for (const std::string& name : names) numbers.push_back(column_number(name));

    const BlockDistribution blocks(rows_, ranks);
    TableShare share(names.size(), std::vector<double>(blocks.count(rank)));
    // As many rows as cfitsio's buffers hold, so that the columns after the first come from memory.
    int status = 0;
    long chunk = 0;
    fits_get_rowsize(file_.get(), &chunk, &status);
    check(status, path_, "read");
    const auto step = static_cast<std::uint64_t>(std::max(chunk, 1L));
    for (std::uint64_t done = 0; done < blocks.count(rank); done += step) {
      const std::uint64_t count = std::min(step, blocks.count(rank) - done);
      for (std::size_t c = 0; c < names.size(); ++c)
        read_rows(numbers[c], names[c], blocks.begin(rank) + done, count, share[c].data() + done);
    }
    return share;
  }

 private:
  /// The number that cfitsio knows the column by; Error if there is none or it does not hold numbers.
  [[nodiscard]] int column_number(const std::string& name) const {
    const auto found = std::find_if(names_.begin(), names_.end(), [&](const std::string& other) {
      return equal_ignoring_case(name, other);
    });
    if (found == names_.end())
      fail("FITS table '{}' has no column '{}' (it has: {}); name one of these", path_, name,
           fmt::join(names_, ", "));
    const int number = static_cast<int>(found - names_.begin()) + 1;
    int status = 0, type = 0;
    LONGLONG repeat = 0;
    fits_get_coltypell(file_.get(), number, &type, &repeat, nullptr, &status);
    check(status, path_, "read column '" + name + "' of");
    constexpr std::array numeric{TBYTE, TSHORT, TINT, TLONG, TLONGLONG, TFLOAT, TDOUBLE};
    if (repeat != 1 || std::find(numeric.begin(), numeric.end(), type) == numeric.end())
      fail("column '{}' of FITS table '{}' does not hold one number per row but {}; name another column",
           name, path_, type == TSTRING ? "text" : "arrays or flags");
    return number;
  }

  void read_rows(int column, const std::string& name, std::uint64_t first, std::uint64_t count,
                 double* out) const {
    double null = std::numeric_limits<double>::quiet_NaN();
    int status = 0, any_null = 0;  // cfitsio writes to any_null without asking whether it is there
    fits_read_col(file_.get(), TDOUBLE, column, static_cast<LONGLONG>(first) + 1, 1,
                  static_cast<LONGLONG>(count), &null, out, &any_null, &status);
    check(status, path_, "read column '" + name + "' of");
  }

  std::string path_;
  FitsFile file_;
  std::vector<std::string> names_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Table> open_fits_table(const TableLocation& location) {
  return std::make_unique<FitsTable>(location);
}

}  // namespace tessera::catalogue
