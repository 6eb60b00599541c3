#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tessera::catalogue {

/// A rank's consecutive rows of a table: columns[c][row], in the order the columns were asked for.
using TableShare = std::vector<std::vector<double>>;

/// Where a table is inside its file; empty fields mean "find it".
struct TableLocation {
  std::string path;
  /// FITS: name or number of the binary table extension. HDF5: group with one dataset per column, or a
  /// pattern such as shear/bin_* whose groups are read one after the other.
  std::string section;
};

/// A table of numbers in a file, opened by every rank on its own. All errors are Error with path and reason.
class Table {
 public:
  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  Table(Table&&) = delete;
  Table& operator=(Table&&) = delete;
  virtual ~Table() = default;

  [[nodiscard]] virtual const std::vector<std::string>& column_names() const = 0;

  /// Reads this rank's share of the rows. The shares of ranks 0, 1, ..., one behind the other, are the whole
  /// file in its order, for any number of ranks. Values that are missing or null become NaN. Not collective.
  /// names: columns that column_names() lists.
  [[nodiscard]] virtual TableShare read_share(const std::vector<std::string>& names, int rank,
                                              int ranks) const = 0;
};

/// Room for a rank's share of a table. Error if that is more than there is memory.
[[nodiscard]] TableShare new_share(const std::string& path, std::size_t columns, std::uint64_t rows);

/// Opens a FITS binary table, an HDF5 file or a CSV file; the format is told from the file's first bytes.
[[nodiscard]] std::unique_ptr<Table> open_table(const TableLocation& location);

/// The formats; see the .cpp files for what they accept.
[[nodiscard]] std::unique_ptr<Table> open_fits_table(const TableLocation& location);
[[nodiscard]] std::unique_ptr<Table> open_hdf5_table(const TableLocation& location);
[[nodiscard]] std::unique_ptr<Table> open_csv_table(const TableLocation& location);

}  // namespace tessera::catalogue
