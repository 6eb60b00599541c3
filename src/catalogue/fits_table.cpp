// FITS binary tables (and gzipped ones), by cfitsio. Columns are scalar and numeric; names ignore case.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <strings.h>
#include <vector>

#include <fitsio.h>

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
using File = std::unique_ptr<fitsfile, Closer>;

void check(int status, const std::string& path, const char* what) {
  if (status == 0) return;
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  fits_clear_errmsg();
  fail("cannot {} FITS catalogue '{}' ({}); the file is damaged or truncated", what, path, text.data());
}

class FitsTable final : public Table {
 public:
  explicit FitsTable(const TableLocation& location) : path_(location.path) {
    int status = 0;
    fitsfile* raw = nullptr;
    fits_open_diskfile(&raw, path_.c_str(), READONLY, &status);
    check(status, path_, "open");
    file_.reset(raw);
    move_to_table(location.section);
    require_whole_file();
    list_columns();
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    const BlockDistribution layout(rows_, ranks);
    const std::uint64_t first = layout.begin(rank);
    const std::uint64_t count = layout.count(rank);
    std::vector<int> columns;
    for (const std::string& name : names) columns.push_back(scalar_column(name));
    TableShare share(names.size(), std::vector<double>(count));
    int status = 0;
    long step = 0;  // rows that fit cfitsio's buffers: one pass over the file for all columns
    fits_get_rowsize(file_.get(), &step, &status);
    check(status, path_, "read");
    for (std::uint64_t row = 0; row < count; row += static_cast<std::uint64_t>(step)) {
      const std::uint64_t n = std::min(count - row, static_cast<std::uint64_t>(step));
      for (std::size_t c = 0; c < columns.size(); ++c) {
        double null = NAN;
        int any_null = 0;
        fits_read_col(file_.get(), TDOUBLE, columns[c], static_cast<LONGLONG>(first + row + 1), 1,
                      static_cast<LONGLONG>(n), &null, share[c].data() + row, &any_null, &status);
        check(status, path_, "read");
      }
    }
    return share;
  }

 private:
  void move_to_table(const std::string& section) {
    int status = 0;
    int number = 0;
    const auto [stop, problem] = std::from_chars(section.data(), section.data() + section.size(), number);
    if (!section.empty() && problem == std::errc() && stop == section.data() + section.size()) {
      fits_movabs_hdu(file_.get(), number + 1, nullptr, &status);
    } else if (!section.empty()) {
      std::string name = section;
      fits_movnam_hdu(file_.get(), BINARY_TBL, name.data(), 0, &status);
    } else {
      int type = IMAGE_HDU;
      while (status == 0 && type != BINARY_TBL) fits_movrel_hdu(file_.get(), 1, &type, &status);
    }
    int type = 0;
    if (status == 0) fits_get_hdu_type(file_.get(), &type, &status);
    fits_clear_errmsg();
    if (status != 0 || type != BINARY_TBL)
      fail("FITS catalogue '{}' has no binary table{}; choose an extension with --section", path_,
           section.empty() ? "" : " extension '" + section + "'");
  }

  /// cfitsio would read zeros or fail half way; a compressed file is checked by its decompression.
  void require_whole_file() const {
    int status = 0;
    LONGLONG header = 0, data = 0, end = 0;
    fits_get_hduaddrll(file_.get(), &header, &data, &end, &status);
    LONGLONG width = 0, rows = 0;
    fits_read_key_lnglng(file_.get(), "NAXIS1", &width, nullptr, &status);
    fits_read_key_lnglng(file_.get(), "NAXIS2", &rows, nullptr, &status);
    check(status, path_, "read the header of");
    std::array<char, 2> magic{};
    if (FILE* plain = std::fopen(path_.c_str(), "rb")) {
      const bool read = std::fread(magic.data(), 1, magic.size(), plain) == magic.size();
      std::fclose(plain);
      if (read && magic[0] == '\x1f' && magic[1] == '\x8b') return;
    }
    const auto size = static_cast<LONGLONG>(std::filesystem::file_size(path_));
    if (size < data + width * rows)
      fail(
          "FITS catalogue '{}' is truncated: its table of {} rows ends at byte {} and the file at byte {}; "
          "fetch it again",
          path_, rows, data + width * rows, size);
  }

  void list_columns() {
    int status = 0;
    int columns = 0;
    LONGLONG rows = 0;
    fits_get_num_cols(file_.get(), &columns, &status);
    fits_get_num_rowsll(file_.get(), &rows, &status);
    for (int column = 1; column <= columns; ++column) {
      std::array<char, FLEN_VALUE> name{};
      fits_read_key(file_.get(), TSTRING, fmt::format("TTYPE{}", column).c_str(), name.data(), nullptr,
                    &status);
      if (status == KEY_NO_EXIST) status = 0;  // a column without a name cannot be asked for
      names_.emplace_back(name.data());
    }
    check(status, path_, "read the columns of");
    rows_ = static_cast<std::uint64_t>(rows);
  }

  [[nodiscard]] int scalar_column(const std::string& name) const {
    const auto found = std::find_if(names_.begin(), names_.end(), [&](const std::string& known) {
      return strcasecmp(known.c_str(), name.c_str()) == 0;
    });
    if (found == names_.end()) fail("catalogue '{}' has no column '{}'", path_, name);
    const int column = static_cast<int>(found - names_.begin()) + 1;
    int status = 0, type = 0;
    LONGLONG repeat = 0, width = 0;
    fits_get_eqcoltypell(file_.get(), column, &type, &repeat, &width, &status);
    check(status, path_, "read");
    const bool numeric = type == TBYTE || type == TSBYTE || type == TSHORT || type == TUSHORT ||
                         type == TINT || type == TUINT || type == TLONG || type == TULONG ||
                         type == TLONGLONG || type == TULONGLONG || type == TFLOAT || type == TDOUBLE;
    if (!numeric || repeat != 1)
      fail("column '{}' of '{}' does not hold one number a row; choose another column", name, path_);
    return column;
  }

  std::string path_;
  File file_;
  std::vector<std::string> names_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Table> open_fits_table(const TableLocation& location) {
  return std::make_unique<FitsTable>(location);
}

}  // namespace tessera::catalogue
