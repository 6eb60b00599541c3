#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/atomic_file.hpp"
#include "io/hdf5_handle.hpp"
#include "mpi/communicator.hpp"
#include "sky/plane_grid.hpp"

namespace tessera::io {

/// What a dataset is, in its attributes `units` and `description`.
struct Description {
  std::string units;
  std::string text;
};

/// This rank's whole rows of a plane map that lies in a wider periodic box: values [rows][stride], of which
/// the first nx columns, and the rows below ny, are part of the map.
struct BoxRows {
  std::span<const double> values;
  std::uint64_t first_row;
  std::uint64_t stride;
};

enum class Precision { float32, float64, int64 };

/// How a map lies in a file. On the plane it is a dataset [ny][nx]. On the sphere it is a group with the
/// values of the stored pixels, `value` [n], and their NESTED numbers, `pixel`, as in TXPipe's map files.
struct MapShape {
  std::vector<std::uint64_t> extent;  // {ny, nx}, or {n}
  std::uint64_t first = 0;            // this rank's first row or pixel; the ranks follow each other
  std::uint64_t nside = 0;            // 0 on the plane
  std::uint64_t chunk = 0;            // sphere: pixels of a chunk
};

/// The one writer of Tessera's HDF5 files: collective, chunked by whole rows, double precision unless said
/// otherwise. All ranks call every member with the same names and attributes. An Error is thrown on all ranks
/// or on none.
class MapWriter {
 public:
  /// Creates the file under the temporary name of `file`, which must outlive the writer, and sets disk space
  /// aside for `values` numbers in `datasets` datasets. Error if there is none.
  MapWriter(const mpi::Communicator& comm, AtomicFile& file, double values, std::uint64_t datasets);
  /// Without a commit() the file is given up. Collective, unless some ranks failed: then they do not wait for
  /// the others for long.
  ~MapWriter();
  MapWriter(const MapWriter&) = delete;
  MapWriter& operator=(const MapWriter&) = delete;
  MapWriter(MapWriter&&) = delete;
  MapWriter& operator=(MapWriter&&) = delete;

  /// A map; values: this rank's part.
  void write_map(const std::string& name, const MapShape& shape, std::span<const double> values,
                 const Description& description);
  /// A stack of maps, filled one by one: [depth][ny][nx], or on the sphere `value` [depth][n].
  void create_stack(const std::string& name, std::uint64_t depth, const MapShape& shape,
                    const Description& description, Precision precision = Precision::float64);
  void write_slice(const std::string& name, std::uint64_t slice, const MapShape& shape,
                   std::span<const double> values);

  /// A map [ny][nx] of the grid.
  void write_map(const std::string& name, const PlaneGrid& grid, const BoxRows& rows,
                 const Description& description);

  /// A stack [depth][ny][nx], filled slice by slice. The ranks of one call may each write to a slice of their
  /// own; one without rows writes nothing.
  void create_stack(const std::string& name, std::uint64_t depth, const PlaneGrid& grid,
                    const Description& description, Precision precision = Precision::float64);
  void write_slice(const std::string& name, std::uint64_t slice, const PlaneGrid& grid, const BoxRows& rows);

  /// A small table [rows][columns], the same on every rank; columns = 0 makes it one-dimensional.
  void write_table(const std::string& name, std::span<const double> values, std::uint64_t columns,
                   const Description& description, Precision precision = Precision::float64);

  /// A column of a catalogue, [rows over all ranks]; this rank's share follows those of the ranks below it.
  void write_column(const std::string& name, std::span<const double> share, const Description& description);

  void create_group(const std::string& name);
  /// A second name of an object.
  void link(const std::string& name, const std::string& object);
  /// A copy of an object of another HDF5 file, with all that it holds, if it is there.
  void copy(const std::string& path, const std::string& object);
  void attribute(const std::string& object, const std::string& name, const std::string& value);
  void attribute(const std::string& object, const std::string& name, double value);
  void attribute(const std::string& object, const std::string& name, std::int64_t value);

  /// The grid as group /wcs: FITS keywords as attributes, and the FITS cards as the attribute `header`.
  void write_wcs(const PlaneGrid& grid);

  /// The sphere's pixels that are stored as group /healpix: before the first map. numbers: NESTED, this
  /// rank's; tile: side of the tiles they come in.
  void write_healpix(const MapShape& shape, std::span<const std::int64_t> numbers, std::uint64_t tile);

  /// Closes the file, which is whole then: nothing that the disk lacks can keep commit() from its work. For
  /// files that belong together.
  void close();
  /// Closes the file, if it is not yet, and makes it visible under its own name.
  void commit();

 private:
  /// Collective: work on the file that fails on all ranks if on one; the file is then given up.
  template <class Work>
  void together(Work&& work);

  /// Creates a dataset; chunk: empty for chunks of whole trailing rows.
  DatasetHandle create(const std::string& name, const std::vector<hsize_t>& shape,
                       const Description& description, Precision precision = Precision::float64,
                       std::vector<hsize_t> chunk = {});
  /// The dataset of a map's values, which on the sphere is part of the group that the map is.
  DatasetHandle create_values(const std::string& name, const std::vector<hsize_t>& shape, const MapShape& map,
                              const Description& description, Precision precision);
  void write_block(const DatasetHandle& dataset, const std::vector<hsize_t>& start,
                   const std::vector<hsize_t>& count, std::span<const double> values);
  void write_block(const DatasetHandle& dataset, const std::vector<hsize_t>& start,
                   const std::vector<hsize_t>& count, const void* values, hid_t type, std::size_t size);

  const mpi::Communicator* comm_;
  mpi::Communicator last_words_;  // no collective of the work can be mistaken for the destructor's
  AtomicFile* atomic_;
  FileHandle file_;
};

}  // namespace tessera::io
