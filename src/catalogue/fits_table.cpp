// Binary table extensions of FITS files, also of files compressed with gzip. Columns are scalar numbers of
// any type; TSCAL, TZERO and TNULL are applied, and names are compared without case, as FITS asks.
#include <algorithm>
#include <array>
#include <limits>
#include <strings.h>

#include <fitsio.h>
#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "io/fits_file.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::catalogue {
namespace {

bool equal_ignoring_case(const std::string& a, const std::string& b) {
  return strcasecmp(a.c_str(), b.c_str()) == 0;
}

/// Makes the table extension that the user wants the current one: by name, by number, or the first.
void move_to_table(fitsfile* file, const TableLocation& location) {
  const std::string& section = location.section;
  const std::uintmax_t size = io::fits_size_on_disk(file, location.path);
  std::vector<std::string> tables;
  for (int hdu = 1;; ++hdu) {
    int status = 0, type = 0;
    fits_movabs_hdu(file, hdu, &type, &status);
    if (status == END_OF_FILE) break;
    io::check_fits(status, location.path, "read the headers of");
    io::require_complete_fits(file, location.path, size);
    if (type != BINARY_TBL) continue;
    const std::string number = std::to_string(hdu - 1), name = io::fits_text_key(file, "EXTNAME");
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
  explicit FitsTable(const TableLocation& location)
      : path_(location.path), file_(io::open_fits(location.path)) {
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
    io::check_fits(status, path_, "read the table header of");
    rows_ = static_cast<std::uint64_t>(rows);
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    TESSERA_REQUIRE(!names.empty() && 0 <= rank && rank < ranks);
    std::vector<int> numbers;
    for (const std::string& name : names) numbers.push_back(column_number(name));

    const BlockDistribution blocks(rows_, ranks);
    TableShare share = new_share(path_, names.size(), blocks.count(rank));
    // As many rows as cfitsio's buffers hold, so that the columns after the first come from memory.
    int status = 0;
    long chunk = 0;
    fits_get_rowsize(file_.get(), &chunk, &status);
    io::check_fits(status, path_, "read");
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
    io::check_fits(status, path_, "read column '" + name + "' of");
    constexpr std::array numeric{TBYTE, TSHORT, TINT, TLONG, TLONGLONG, TFLOAT, TDOUBLE};
    if (repeat != 1 || std::find(numeric.begin(), numeric.end(), type) == numeric.end())
      fail("column '{}' of FITS table '{}' does not hold one number per row but {}; name another column",
           name, path_, type == TSTRING ? "text" : "arrays or flags");
    require_scale(number, name);
    return number;
  }

  /// cfitsio passes over a scale that it cannot read.
  void require_scale(int number, const std::string& name) const {
    for (const char* const key : {"TSCAL", "TZERO"}) {
      int status = 0;
      double value = 0.0;
      const std::string keyword = fmt::format("{}{}", key, number);
      fits_read_key_dbl(file_.get(), keyword.c_str(), &value, nullptr, &status);
      fits_clear_errmsg();
      if (status != 0 && status != KEY_NO_EXIST && status != VALUE_UNDEFINED)
        fail("column '{}' of FITS table '{}' has a {} that is no number; mend the header", name, path_,
             keyword);
      if (status == 0 && value == 0.0 && std::string_view(key) == "TSCAL")
        fail("column '{}' of FITS table '{}' has {} = 0, which makes all its values alike; mend the header",
             name, path_, keyword);
    }
  }

  void read_rows(int column, const std::string& name, std::uint64_t first, std::uint64_t count,
                 double* out) const {
    double null = std::numeric_limits<double>::quiet_NaN();
    int status = 0, any_null = 0;  // cfitsio writes to any_null without asking whether it is there
    fits_read_col(file_.get(), TDOUBLE, column, static_cast<LONGLONG>(first) + 1, 1,
                  static_cast<LONGLONG>(count), &null, out, &any_null, &status);
    io::check_fits(status, path_, "read column '" + name + "' of");
  }

  std::string path_;
  io::FitsFile file_;
  std::vector<std::string> names_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Table> open_fits_table(const TableLocation& location) {
  return std::make_unique<FitsTable>(location);
}

}  // namespace tessera::catalogue
