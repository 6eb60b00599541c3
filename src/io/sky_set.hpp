#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/map_writer.hpp"

namespace tessera::io {

/// What a sky is for: networks are fitted to `train`, chosen by `validation` and judged on `test`.
enum class Split : std::uint8_t { train = 0, validation = 1, test = 2 };

/// What all skies of a set have in common.
struct SkySetHeader {
  std::uint64_t count;                       // skies
  std::uint64_t ny, nx;                      // pixels of each
  double pixel_arcmin;                       // side of a pixel
  bool periodic;                             // opposite borders meet
  bool pixel_averaged;                       // kappa is the mean over a pixel, not the value at its centre
  std::string source;                        // what made them, one line
  std::vector<std::string> parameter_names;  // of the columns of SkySetTables::parameters, without blanks
  std::vector<double> ell;                   // radians^-1, increasing; of the columns of SkySetTables::c_ell
  std::string spectrum_source = "given";     // where c_ell comes from: given, measured, ...
};

/// What differs from sky to sky.
struct SkySetTables {
  std::vector<Split> split;                // [count]
  std::vector<std::uint64_t> realisation;  // [count], with the set's seed it makes the sky again
  std::vector<double> parameters;          // [count][parameter_names]
  std::vector<double> c_ell;               // [count][ell], steradian: kappa-kappa, without the pixel's window
};

/// Writes a set of convergence maps, the file that networks are trained from:
///   /skies/kappa [count][ny][nx] float32, row 0 in the South, column 0 in the East; /skies/split,
///   realisation [count]; /skies/parameters [count][parameter] with the attribute `names`; /skies/ell [ell];
///   /skies/c_ell [count][ell]; the rest of the header as attributes of /skies.
/// Every sky must be written, by one rank or row by row by several; a set is committed whole or not at all.
class SkySetWriter {
 public:
  /// `file` must outlive the writer. Collective.
  SkySetWriter(const mpi::Communicator& comm, AtomicFile& file, const SkySetHeader& header);

  /// Writes this rank's rows of sky `index`, in the manner of MapWriter::write_slice: ranks may write to
  /// different skies in one call; one with empty rows writes nothing. Collective.
  void write(std::uint64_t index, const BoxRows& rows);

  /// The tables, the same on every rank. Collective.
  void write_tables(const SkySetTables& tables);

  /// For provenance and diagnostics.
  [[nodiscard]] MapWriter& file() { return writer_; }

  void commit() { writer_.commit(); }

 private:
  SkySetHeader header_;
  MapWriter writer_;
  PlaneGrid grid_;
};

/// Reads a set of skies; each rank on its own. Error with the file's name if something is missing or does not
/// fit together.
class SkySetReader {
 public:
  explicit SkySetReader(const std::string& path);

  /// Whether an HDF5 file holds a set of skies.
  [[nodiscard]] static bool is_sky_set(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const SkySetHeader& header() const { return header_; }
  [[nodiscard]] const SkySetTables& tables() const { return tables_; }

  /// Rows [first, first + count) of sky `index`, [count][nx].
  [[nodiscard]] std::vector<double> read_rows(std::uint64_t index, std::uint64_t first,
                                              std::uint64_t count) const;

  /// The spectrum of sky `index`, [ell].
  [[nodiscard]] std::vector<double> c_ell(std::uint64_t index) const;

 private:
  void read_header();
  void read_tables();

  std::string path_;
  FileHandle file_;
  DatasetHandle kappa_;
  SkySetHeader header_{};
  SkySetTables tables_;
};

}  // namespace tessera::io
