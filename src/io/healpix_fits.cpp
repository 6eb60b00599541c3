#include "io/healpix_fits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <strings.h>
#include <utility>

#include <fitsio.h>
#include <fmt/format.h>

#include "core/error.hpp"
#include "core/version.hpp"
#include "io/fits_file.hpp"
#include "sky/healpix_grid.hpp"

namespace tessera::io {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double unseen = -1.6375e30;
constexpr double unseen_tolerance = 1e-5;  // relative, healpy's
constexpr const char* pixel_column = "PIXEL";
constexpr std::uint64_t row_values = 1024;  // of whole skies, as other programs write them
constexpr std::uint64_t chunk_values = row_values * 1024;

bool equal_ignoring_case(const std::string& a, const std::string& b) {
  return strcasecmp(a.c_str(), b.c_str()) == 0;
}

double to_value(double stored) {
  return std::abs(stored - unseen) <= unseen_tolerance * -unseen ? nan : stored;
}

double to_stored(double value) { return std::isnan(value) ? unseen : value; }

/// Opens a file at its first HEALPix table.
FitsFile open_map(const std::string& path) {
  FitsFile file = open_fits(path);
  const std::uintmax_t size = fits_size_on_disk(file.get(), path);
  for (int hdu = 1;; ++hdu) {
    int status = 0, type = 0;
    fits_movabs_hdu(file.get(), hdu, &type, &status);
    if (status == END_OF_FILE) break;
    check_fits(status, path, "read the headers of");
    require_complete_fits(file.get(), path, size);
    if (type == BINARY_TBL && equal_ignoring_case(fits_text_key(file.get(), "PIXTYPE"), "HEALPIX"))
      return file;
  }
  fits_clear_errmsg();
  fail(
      "FITS file '{}' has no HEALPix map (binary table, PIXTYPE = HEALPIX), or ends before; give a file as "
      "healpy.write_map makes it",
      path);
}

std::uint64_t read_nside(fitsfile* file, const std::string& path) {
  int status = 0;
  LONGLONG nside = 0;
  fits_read_key_lnglng(file, "NSIDE", &nside, nullptr, &status);
  if (status != 0) {
    fits_clear_errmsg();
    fail("HEALPix map '{}' has no number as NSIDE, and its resolution is unknown; write it again", path);
  }
  constexpr LONGLONG most = 1LL << 24U;
  if (nside < 1 || nside > most || (nside & (nside - 1)) != 0)
    fail("HEALPix map '{}' has NSIDE {}, which must be a power of two from 1 to {}; write it again", path,
         nside, most);
  return static_cast<std::uint64_t>(nside);
}

class HealpixFile {
 public:
  explicit HealpixFile(const std::string& path)
      : path_(path), file_(open_map(path)), grid_(read_nside(file_.get(), path)) {
    require_equatorial();
    const std::string ordering = fits_text_key(file_.get(), "ORDERING");
    ring_ = equal_ignoring_case(ordering, "RING");
    if (!ring_ && !equal_ignoring_case(ordering, "NESTED") && !equal_ignoring_case(ordering, "NEST"))
      fail("HEALPix map '{}' has ORDERING '{}', which must be RING or NESTED; write it again with healpy",
           path_, ordering);
    read_columns();
  }

  [[nodiscard]] HealpixMap read(const std::string& name) const {
    const Column& values = find_map(name);
    return is_partial() ? read_part(values) : read_whole_sky(values);
  }

 private:
  struct Column {
    int number, type;
    std::uint64_t repeat;
    std::string name;
  };

  void require_equatorial() const {
    const std::string system = fits_text_key(file_.get(), "COORDSYS");
    constexpr std::array equatorial{"", "C", "Q", "CELESTIAL", "EQUATORIAL", "ICRS"};
    if (std::any_of(equatorial.begin(), equatorial.end(),
                    [&](const char* known) { return equal_ignoring_case(system, known); }))
      return;
    const char* const meaning = equal_ignoring_case(system, "G")   ? " (galactic)"
                                : equal_ignoring_case(system, "E") ? " (ecliptic)"
                                                                   : "";
    fail("HEALPix map '{}' is in COORDSYS '{}'{} and must be equatorial ('C'); rotate it (healpy.Rotator)",
         path_, system, meaning);
  }

  void read_columns() {
    int status = 0, count = 0;
    LONGLONG rows = 0;
    fits_get_num_cols(file_.get(), &count, &status);
    fits_get_num_rowsll(file_.get(), &rows, &status);
    for (int c = 1; c <= count; ++c) {
      std::array<char, FLEN_VALUE> name{};
      int type = 0;
      LONGLONG repeat = 0;
      fits_get_bcolparmsll(file_.get(), c, name.data(), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                           nullptr, &status);
      fits_get_coltypell(file_.get(), c, &type, &repeat, nullptr, &status);
      columns_.push_back({c, type, static_cast<std::uint64_t>(repeat), name.data()});
    }
    check_fits(status, path_, "read the table header of");
    rows_ = static_cast<std::uint64_t>(rows);
  }

  [[nodiscard]] bool is_partial() const {
    const std::string scheme = fits_text_key(file_.get(), "INDXSCHM");
    if (scheme.empty()) return equal_ignoring_case(fits_text_key(file_.get(), "OBJECT"), "PARTIAL");
    if (!equal_ignoring_case(scheme, "EXPLICIT") && !equal_ignoring_case(scheme, "IMPLICIT"))
      fail("HEALPix map '{}' has INDXSCHM '{}', which must be IMPLICIT or EXPLICIT; write it again", path_,
           scheme);
    return equal_ignoring_case(scheme, "EXPLICIT");
  }

  /// The column of a name; a map's first if it is empty.
  [[nodiscard]] const Column& find_map(const std::string& name) const {
    const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) {
      return name.empty() ? !(is_partial() && equal_ignoring_case(column.name, pixel_column))
                          : equal_ignoring_case(column.name, name);
    });
    if (found == columns_.end()) {
      std::vector<std::string> names;
      for (const Column& column : columns_) names.push_back(column.name);
      fail("HEALPix map '{}' has no column {} (it has: {}); name one of these", path_,
           name.empty() ? "with a map" : fmt::format("'{}'", name), fmt::join(names, ", "));
    }
    constexpr std::array numeric{TBYTE, TSBYTE, TSHORT, TINT, TLONG, TLONGLONG, TFLOAT, TDOUBLE, TLOGICAL};
    if (found->repeat == 0 || std::find(numeric.begin(), numeric.end(), found->type) == numeric.end())
      fail("column '{}' of HEALPix map '{}' does not hold numbers; name another column", found->name, path_);
    return *found;
  }

  /// Values of a column in the order of the file; use(first value, values) is called for one chunk after the
  /// other.
  template <class Stored, class Use>
  void read_chunks(const Column& column, int type, Stored null, Use&& use) const {
    const std::uint64_t chunk_rows = std::max<std::uint64_t>(1, chunk_values / column.repeat);
    std::vector<Stored> chunk(column.repeat * std::min(rows_, chunk_rows));
    for (std::uint64_t row = 0; row < rows_; row += chunk_rows) {
      const std::span<Stored> part(chunk.data(), column.repeat * std::min(chunk_rows, rows_ - row));
      int status = 0, any_null = 0;
      fits_read_col(file_.get(), type, column.number, static_cast<LONGLONG>(row) + 1, 1,
                    static_cast<LONGLONG>(part.size()), &null, part.data(), &any_null, &status);
      check_fits(status, path_, "read column '" + column.name + "' of");
      use(row * column.repeat, part);
    }
  }

  /// The same as doubles.
  template <class Use>
  void read_values(const Column& column, Use&& use) const {
    const auto each = [&](std::uint64_t first, const auto& part) {
      for (std::size_t i = 0; i < part.size(); ++i) use(first + i, to_value(static_cast<double>(part[i])));
    };
    if (column.type == TLOGICAL)
      read_chunks<char>(column, TLOGICAL, 0, each);
    else
      read_chunks<double>(column, TDOUBLE, nan, each);
  }

  [[nodiscard]] std::uint64_t nested(std::uint64_t stored) const {
    return ring_ ? grid_.nested_index(stored) : stored;
  }

  [[nodiscard]] HealpixMap read_whole_sky(const Column& column) const {
    if (grid_.pixels() % column.repeat != 0 || rows_ != grid_.pixels() / column.repeat)
      fail("HEALPix map '{}' holds {} rows of {} values where NSIDE {} has {} pixels; write it again", path_,
           rows_, column.repeat, grid_.nside(), grid_.pixels());
    HealpixMap map{grid_.nside(), {}, std::vector<double>(grid_.pixels())};
    read_values(column, [&](std::uint64_t i, double value) { map.values[nested(i)] = value; });
    return map;
  }

  [[nodiscard]] HealpixMap read_part(const Column& column) const {
    const auto pixels = std::find_if(columns_.begin(), columns_.end(), [](const Column& candidate) {
      return equal_ignoring_case(candidate.name, pixel_column);
    });
    if (pixels == columns_.end() || pixels->repeat != column.repeat)
      fail("HEALPix map '{}' is partial and has no column PIXEL with a number for each value; write it again",
           path_);
    if (rows_ == 0 || rows_ > grid_.pixels() / column.repeat)
      fail("HEALPix map '{}' holds {} rows of {} values and NSIDE {} has 1 to {} pixels; write it again",
           path_, rows_, column.repeat, grid_.nside(), grid_.pixels());
    HealpixMap map{grid_.nside(), std::vector<std::uint64_t>(rows_ * column.repeat),
                   std::vector<double>(rows_ * column.repeat)};
    read_chunks<LONGLONG>(*pixels, TLONGLONG, -1, [&](std::uint64_t first, std::span<const LONGLONG> part) {
      for (std::size_t i = 0; i < part.size(); ++i) map.pixels[first + i] = nested(checked_pixel(part[i]));
    });
    read_values(column, [&](std::uint64_t i, double value) { map.values[i] = value; });
    sort(map);
    return map;
  }

  [[nodiscard]] std::uint64_t checked_pixel(LONGLONG pixel) const {
    if (pixel < 0 || static_cast<std::uint64_t>(pixel) >= grid_.pixels())
      fail("HEALPix map '{}' names pixel {}, and those of NSIDE {} are 0 to {}; write it again", path_, pixel,
           grid_.nside(), grid_.pixels() - 1);
    return static_cast<std::uint64_t>(pixel);
  }

  void sort(HealpixMap& map) const {
    std::vector<std::size_t> order(map.pixels.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return map.pixels[a] < map.pixels[b]; });
    HealpixMap sorted{map.nside, {}, {}};
    for (const std::size_t i : order) {
      sorted.pixels.push_back(map.pixels[i]);
      sorted.values.push_back(map.values[i]);
    }
    map = std::move(sorted);
    const auto twice = std::adjacent_find(map.pixels.begin(), map.pixels.end());
    if (twice != map.pixels.end())
      fail("HEALPix map '{}' holds pixel {} ({}) more than once; write it again", path_,
           ring_ ? grid_.ring_index(*twice) : *twice, ring_ ? "RING" : "NESTED");
  }

  std::string path_;
  FitsFile file_;
  HealpixGrid grid_;
  bool ring_ = false;
  std::vector<Column> columns_;
  std::uint64_t rows_ = 0;
};

struct TableColumn {
  std::string name, format, unit;
};

void create_table(fitsfile* file, std::vector<TableColumn> columns, std::string extension, int& status) {
  std::vector<char*> names, formats, units;
  for (TableColumn& column : columns) {
    names.push_back(column.name.data());
    formats.push_back(column.format.data());
    units.push_back(column.unit.data());
  }
  fits_create_tbl(file, BINARY_TBL, 0, static_cast<int>(columns.size()), names.data(), formats.data(),
                  units.data(), extension.data(), &status);
}

void write_keywords(fitsfile* file, const HealpixMap& map, const Description& description, int& status) {
  const auto text = [&](const char* name, const std::string& value, const char* comment) {
    fits_write_key_str(file, name, value.c_str(), comment, &status);
  };
  const auto number = [&](const char* name, std::uint64_t value, const char* comment) {
    fits_write_key_lng(file, name, static_cast<LONGLONG>(value), comment, &status);
  };
  const bool partial = !map.pixels.empty();
  text("PIXTYPE", "HEALPIX", "HEALPIX pixelisation");
  text("ORDERING", "NESTED", "pixel ordering scheme, either RING or NESTED");
  number("NSIDE", map.nside, "resolution parameter of HEALPIX");
  if (!partial) {
    number("FIRSTPIX", 0, "first pixel (0 based)");
    number("LASTPIX", map.values.size() - 1, "last pixel (0 based)");
  }
  text("INDXSCHM", partial ? "EXPLICIT" : "IMPLICIT", "indexing: IMPLICIT or EXPLICIT");
  text("OBJECT", partial ? "PARTIAL" : "FULLSKY", "sky coverage, either FULLSKY or PARTIAL");
  text("COORDSYS", "C", "celestial (equatorial)");
  fits_write_key_dbl(file, "BAD_DATA", unseen, -15, "value of pixels without data", &status);
  fits_write_key_longstr(file, "DESCR", description.text.c_str(), "", &status);
  text("CREATOR", "tessera " + version(), "");
}

/// Column by column within each chunk, so that the file is written from its begin to its end.
void write_values(fitsfile* file, const HealpixMap& map, std::uint64_t repeat, int& status) {
  const bool partial = !map.pixels.empty();
  std::vector<double> values;
  std::vector<LONGLONG> pixels;
  for (std::uint64_t first = 0; first < map.values.size() && status == 0; first += chunk_values) {
    const std::uint64_t count = std::min<std::uint64_t>(chunk_values, map.values.size() - first);
    const std::uint64_t row = first / repeat + 1;
    const auto write = [&](int type, int column, void* data) {
      fits_write_col(file, type, column, static_cast<LONGLONG>(row), 1, static_cast<LONGLONG>(count), data,
                     &status);
    };
    values.resize(count);
    for (std::uint64_t i = 0; i < count; ++i) values[i] = to_stored(map.values[first + i]);
    if (partial) {
      pixels.assign(map.pixels.begin() + static_cast<std::ptrdiff_t>(first),
                    map.pixels.begin() + static_cast<std::ptrdiff_t>(first + count));
      write(TLONGLONG, 1, pixels.data());
    }
    write(TDOUBLE, partial ? 2 : 1, values.data());
  }
}

}  // namespace

HealpixMap read_healpix_fits(const std::string& path, const std::string& column) {
  return HealpixFile(path).read(column);
}

void write_healpix_fits(const std::string& path, const HealpixMap& map, const std::string& name,
                        const Description& description) {
  const std::uint64_t sphere = HealpixGrid(map.nside).pixels();
  const bool partial = !map.pixels.empty();
  TESSERA_REQUIRE(map.values.size() == (partial ? map.pixels.size() : sphere));
  TESSERA_REQUIRE(!partial || map.pixels.back() < sphere);
  TESSERA_REQUIRE(std::adjacent_find(map.pixels.begin(), map.pixels.end(), std::greater_equal<>()) ==
                  map.pixels.end());
  const std::uint64_t repeat = partial || sphere % row_values != 0 ? 1 : row_values;
  FitsFile file = create_fits(path);
  int status = 0;
  std::vector<TableColumn> columns{{name, fmt::format("{}D", repeat), description.units}};
  if (partial) columns.insert(columns.begin(), {pixel_column, "1K", ""});
  create_table(file.get(), std::move(columns), name, status);
  write_keywords(file.get(), map, description, status);
  write_values(file.get(), map, repeat, status);
  close_written_fits(std::move(file), path, status);
}

}  // namespace tessera::io
