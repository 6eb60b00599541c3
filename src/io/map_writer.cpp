#include "io/map_writer.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "io/hdf5_read.hpp"
#include "io/wcs.hpp"
#include "io/write_failure.hpp"
#include "mpi/agreement.hpp"

namespace tessera::io {
namespace {

constexpr hsize_t chunk_bytes = 4U << 20U;

/// Chunks of whole trailing rows, about chunk_bytes each.
std::vector<hsize_t> chunk_shape(const std::vector<hsize_t>& shape) {
  std::vector<hsize_t> chunk(shape.size(), 1);
  hsize_t room = chunk_bytes / sizeof(double);
  for (std::size_t axis = shape.size(); axis-- > 0 && room > 0;) {
    chunk[axis] = std::clamp<hsize_t>(shape[axis], 1, room);
    room /= chunk[axis];
  }
  return chunk;
}

/// Disk space for so many numbers in so many datasets of about one size. A dataset of several chunks may end
/// in one that is not full; attributes and tables are small.
double file_bytes(double values, std::uint64_t datasets) {
  constexpr double per_file = 32e3;
  constexpr double per_dataset = 4e3;
  constexpr auto chunk = static_cast<double>(chunk_bytes);
  const double bytes = sizeof(double) * values;
  const auto count = static_cast<double>(datasets);
  return bytes + per_file + count * ((bytes / count > chunk ? chunk : 0.0) + per_dataset);
}

PropertyHandle collective_transfer() {
  PropertyHandle transfer(checked(H5Pcreate(H5P_DATASET_XFER), "make a property list"));
  checked(H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE), "ask for collective writing");
  return transfer;
}

/// The part of a rank's box rows that belongs to the map, packed.
std::vector<double> cropped(const PlaneGrid& grid, const BoxRows& rows) {
  const std::uint64_t local = rows.stride == 0 ? 0 : rows.values.size() / rows.stride;
  const std::uint64_t end = std::min(rows.first_row + local, grid.ny());
  std::vector<double> packed;
  for (std::uint64_t row = rows.first_row; row < end; ++row) {
    const auto line = rows.values.subspan((row - rows.first_row) * rows.stride, grid.nx());
    packed.insert(packed.end(), line.begin(), line.end());
  }
  return packed;
}

constexpr const char* pixel_list = "/healpix/pixel";

MapShape plane_shape(const PlaneGrid& grid, const BoxRows& rows) {
  return {{grid.ny(), grid.nx()}, rows.first_row};
}

std::vector<hsize_t> start_of(const MapShape& shape) {
  std::vector<hsize_t> start(shape.extent.size(), 0);
  start.front() = shape.first;
  return start;
}

/// Of a rank's `size` values.
std::vector<hsize_t> count_of(const MapShape& shape, std::size_t size) {
  std::vector<hsize_t> count(shape.extent.begin(), shape.extent.end());
  count.front() = 1;
  for (std::size_t axis = 1; axis < count.size(); ++axis) count.front() *= count[axis];
  count.front() = size / count.front();
  return count;
}

/// Attributes of groups that hold pixels of the sphere, as TXPipe names them.
std::vector<std::pair<std::string, std::int64_t>> sphere_attributes(const MapShape& shape) {
  const auto nside = static_cast<std::int64_t>(shape.nside);
  return {{"nside", nside}, {"npix", 12 * nside * nside}, {"nest", 1}};
}

hid_t type_of(Precision precision) {
  switch (precision) {
    case Precision::float32:
      return H5T_IEEE_F32LE;
    case Precision::int64:
      return H5T_STD_I64LE;
    default:
      return H5T_IEEE_F64LE;
  }
}

void put_attribute(hid_t object, const std::string& name, hid_t type, const void* value) {
  const SpaceHandle scalar(checked(H5Screate(H5S_SCALAR), "make a data space"));
  const AttributeHandle attribute(checked(
      H5Acreate2(object, name.c_str(), type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT), "create an attribute"));
  checked(H5Awrite(attribute.get(), type, value), "write an attribute");
}

}  // namespace

template <class Work>
void MapWriter::together(Work&& work) {
  end_at_failed_write(atomic_->path());
  try {
    mpi::collectively(*comm_, std::forward<Work>(work));
  } catch (...) {
    abandon(file_);
    throw;
  }
}

MapWriter::MapWriter(const mpi::Communicator& comm, AtomicFile& file, double values, std::uint64_t datasets)
    : comm_(&comm), last_words_(comm.get()), atomic_(&file) {
  // Once before HDF5 opens the file, when failing is still harmless, and once after, since opening frees the
  // space.
  const double bytes = file_bytes(values, datasets);
  file.reserve(bytes);
  together([&] {
    const PropertyHandle access(checked(H5Pcreate(H5P_FILE_ACCESS), "make a property list"));
    checked(H5Pset_fapl_mpio(access.get(), comm.get(), MPI_INFO_NULL), "use MPI-IO");
    const PropertyHandle creation(checked(H5Pcreate(H5P_FILE_CREATE), "make a property list"));
    // No time stamps: equal runs make equal files.
    checked(H5Pset_obj_track_times(creation.get(), false), "switch time stamps off");
    file_ = FileHandle(H5Fcreate(file.temporary().c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
    if (!file_) fail("cannot create '{}'; check the folder and the disk", file.temporary());
  });
  file.reserve(bytes);
}

MapWriter::~MapWriter() {
  // Closing is collective, and a rank that failed alone would wait for ever for those that work on.
  if (file_ && !mpi::all_arrive(last_words_)) abandon(file_);
}

DatasetHandle MapWriter::create(const std::string& name, const std::vector<hsize_t>& shape,
                                const Description& description, Precision precision,
                                std::vector<hsize_t> chunk) {
  if (chunk.empty()) chunk = chunk_shape(shape);
  DatasetHandle dataset;
  together([&] {
    const SpaceHandle space(checked(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                                    "make a data space"));
    const PropertyHandle creation(checked(H5Pcreate(H5P_DATASET_CREATE), "make a property list"));
    checked(H5Pset_obj_track_times(creation.get(), false), "switch time stamps off");
    checked(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "switch filling off");
    if (std::find(shape.begin(), shape.end(), 0U) == shape.end()) {
      checked(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), "set chunks");
    }
    const PropertyHandle links(checked(H5Pcreate(H5P_LINK_CREATE), "make a property list"));
    checked(H5Pset_create_intermediate_group(links.get(), 1), "make groups");
    dataset = DatasetHandle(H5Dcreate2(file_.get(), name.c_str(), type_of(precision), space.get(),
                                       links.get(), creation.get(), H5P_DEFAULT));
    if (!dataset) fail("cannot create dataset '{}' in '{}'; is the disk full?", name, atomic_->path());
  });
  attribute(name, "units", description.units);
  attribute(name, "description", description.text);
  return dataset;
}

void MapWriter::write_block(const DatasetHandle& dataset, const std::vector<hsize_t>& start,
                            const std::vector<hsize_t>& count, std::span<const double> values) {
  write_block(dataset, start, count, values.data(), H5T_NATIVE_DOUBLE, values.size());
}

void MapWriter::write_block(const DatasetHandle& dataset, const std::vector<hsize_t>& start,
                            const std::vector<hsize_t>& count, const void* values, hid_t type,
                            std::size_t size) {
  together([&] {
    const SpaceHandle place(checked(H5Dget_space(dataset.get()), "get a data space"));
    if (H5Sget_simple_extent_npoints(place.get()) == 0) return;  // an empty table
    const hsize_t length = size;
    const SpaceHandle memory(checked(H5Screate_simple(1, &length, nullptr), "make a data space"));
    if (size == 0) {
      checked(H5Sselect_none(place.get()), "select nothing");
      checked(H5Sselect_none(memory.get()), "select nothing");
    } else {
      checked(H5Sselect_hyperslab(place.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
              "select a block");
    }
    const PropertyHandle transfer = collective_transfer();
    if (H5Dwrite(dataset.get(), type, memory.get(), place.get(), transfer.get(), values) < 0)
      fail("writing '{}' failed; the disk is probably full: free some space and run again", atomic_->path());
  });
}

DatasetHandle MapWriter::create_values(const std::string& name, const std::vector<hsize_t>& shape,
                                       const MapShape& map, const Description& description,
                                       Precision precision) {
  if (map.nside == 0) return create(name, shape, description, precision);
  create_group(name);
  for (const auto& [key, value] : sphere_attributes(map)) attribute(name, key, value);
  attribute(name, "pixelization", std::string("healpix"));
  attribute(name, "units", description.units);
  attribute(name, "description", description.text);
  link(name + "/pixel", pixel_list);
  std::vector<hsize_t> chunk(shape.size(), 1);
  chunk.back() = map.chunk;
  return create(name + "/value", shape, description, precision, std::move(chunk));
}

void MapWriter::write_map(const std::string& name, const MapShape& shape, std::span<const double> values,
                          const Description& description) {
  const DatasetHandle dataset =
      create_values(name, {shape.extent.begin(), shape.extent.end()}, shape, description, Precision::float64);
  write_block(dataset, start_of(shape), count_of(shape, values.size()), values);
}

void MapWriter::create_stack(const std::string& name, std::uint64_t depth, const MapShape& shape,
                             const Description& description, Precision precision) {
  std::vector<hsize_t> extent{depth};
  extent.insert(extent.end(), shape.extent.begin(), shape.extent.end());
  create_values(name, extent, shape, description, precision);
}

void MapWriter::write_slice(const std::string& name, std::uint64_t slice, const MapShape& shape,
                            std::span<const double> values) {
  const std::string dataset_name = shape.nside == 0 ? name : name + "/value";
  DatasetHandle dataset;
  together([&] {
    dataset =
        DatasetHandle(checked(H5Dopen2(file_.get(), dataset_name.c_str(), H5P_DEFAULT), "open a dataset"));
  });
  std::vector<hsize_t> start = start_of(shape), count = count_of(shape, values.size());
  start.insert(start.begin(), slice);
  count.insert(count.begin(), 1);
  write_block(dataset, start, count, values);
}

void MapWriter::write_map(const std::string& name, const PlaneGrid& grid, const BoxRows& rows,
                          const Description& description) {
  write_map(name, plane_shape(grid, rows), cropped(grid, rows), description);
}

void MapWriter::create_stack(const std::string& name, std::uint64_t depth, const PlaneGrid& grid,
                             const Description& description, Precision precision) {
  create_stack(name, depth, MapShape{{grid.ny(), grid.nx()}}, description, precision);
}

void MapWriter::write_slice(const std::string& name, std::uint64_t slice, const PlaneGrid& grid,
                            const BoxRows& rows) {
  write_slice(name, slice, plane_shape(grid, rows), cropped(grid, rows));
}

void MapWriter::write_healpix(const MapShape& shape, std::span<const std::int64_t> numbers,
                              std::uint64_t tile) {
  create_group("/healpix");
  for (const auto& [key, value] : sphere_attributes(shape)) attribute("/healpix", key, value);
  attribute("/healpix", "ordering", std::string("NESTED"));
  attribute("/healpix", "coordsys", std::string("C"));
  attribute("/healpix", "indxschm", std::string("EXPLICIT"));
  attribute("/healpix", "tile", static_cast<std::int64_t>(tile));
  const DatasetHandle dataset = create(pixel_list, {shape.extent[0]}, {"1", "NESTED numbers of the pixels"},
                                       Precision::int64, {shape.chunk});
  write_block(dataset, {shape.first}, {numbers.size()}, numbers.data(), H5T_NATIVE_INT64, numbers.size());
}

void MapWriter::write_table(const std::string& name, std::span<const double> values, std::uint64_t columns,
                            const Description& description, Precision precision) {
  std::vector<hsize_t> shape{values.size()};
  if (columns > 0) shape = {values.size() / columns, columns};
  const DatasetHandle dataset = create(name, shape, description, precision);
  if (!comm_->is_root()) values = {};
  write_block(dataset, std::vector<hsize_t>(shape.size(), 0), shape, values);
}

void MapWriter::write_column(const std::string& name, std::span<const double> share,
                             const Description& description) {
  const auto local = static_cast<std::uint64_t>(share.size());
  const DatasetHandle dataset = create(name, {comm_->sum(local)}, description);
  write_block(dataset, {comm_->exclusive_scan(local)}, {local}, share);
}

void MapWriter::copy(const std::string& path, const std::string& object) {
  together([&] {
    const FileHandle source = open_for_reading(path);
    if (!link_exists(source.get(), object)) return;
    checked(H5Ocopy(source.get(), object.c_str(), file_.get(), object.c_str(), H5P_DEFAULT, H5P_DEFAULT),
            "copy an object");
  });
}

void MapWriter::link(const std::string& name, const std::string& object) {
  together([&] {
    checked(H5Lcreate_hard(file_.get(), object.c_str(), file_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
            "link an object");
  });
}

void MapWriter::create_group(const std::string& name) {
  together([&] {
    const PropertyHandle links(checked(H5Pcreate(H5P_LINK_CREATE), "make a property list"));
    checked(H5Pset_create_intermediate_group(links.get(), 1), "make groups");
    const GroupHandle group(checked(
        H5Gcreate2(file_.get(), name.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT), "create a group"));
  });
}

void MapWriter::attribute(const std::string& object, const std::string& name, const std::string& value) {
  together([&] {
    const Handle<H5Oclose> holder(
        checked(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), "open an object"));
    const TypeHandle type = utf8_string_type();
    const char* const text = value.c_str();
    put_attribute(holder.get(), name, type.get(), static_cast<const void*>(&text));
  });
}

void MapWriter::attribute(const std::string& object, const std::string& name, double value) {
  together([&] {
    const Handle<H5Oclose> holder(
        checked(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), "open an object"));
    put_attribute(holder.get(), name, H5T_NATIVE_DOUBLE, &value);
  });
}

void MapWriter::attribute(const std::string& object, const std::string& name, std::int64_t value) {
  together([&] {
    const Handle<H5Oclose> holder(
        checked(H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), "open an object"));
    put_attribute(holder.get(), name, H5T_NATIVE_INT64, &value);
  });
}

void MapWriter::write_wcs(const PlaneGrid& grid) {
  create_group("/wcs");
  for (const WcsKeyword& keyword : wcs_keywords(grid))
    std::visit([&](const auto& value) { attribute("/wcs", keyword.name, value); }, keyword.value);
  attribute("/wcs", "header", fits_cards(grid));
}

void MapWriter::close() {
  together([&] {
    if (H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) < 0 || !file_.reset())
      fail("closing '{}' failed; the disk is probably full: free some space and run again", atomic_->path());
  });
}

void MapWriter::commit() {
  if (file_) close();
  atomic_->commit();
}

}  // namespace tessera::io
