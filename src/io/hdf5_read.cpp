#include "io/hdf5_read.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numeric>

#include "core/crash.hpp"
#include "core/error.hpp"
#include "mpi/memory.hpp"

namespace tessera::io {
namespace {

hsize_t product(const std::vector<hsize_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
}

}  // namespace

bool link_exists(hid_t file, const std::string& name) {
  // Every part of the path must exist before the whole may be asked for.
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1))
    if (H5Lexists(file, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  return H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0;
}

namespace {

/// An attribute with one value; invalid if there is none of that name, or one of several values.
AttributeHandle open_single(hid_t file, const std::string& object, const std::string& name) {
  AttributeHandle attribute(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute) return attribute;
  const SpaceHandle space(H5Aget_space(attribute.get()));
  return H5Sget_simple_extent_npoints(space.get()) == 1 ? std::move(attribute) : AttributeHandle();
}

}  // namespace

double read_number_attribute(hid_t file, const std::string& path, const std::string& object,
                             const std::string& name) {
  const AttributeHandle attribute = open_single(file, object, name);
  double value = NAN;
  if (!attribute || H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0)
    fail("'{}' has no number '{}' in {}; the file is damaged, take a fresh copy", path, name, object);
  return value;
}

std::string read_text_attribute(hid_t file, const std::string& path, const std::string& object,
                                const std::string& name) {
  const crash::Reading file_in_work(fmt::format("'{}'", path));
  const AttributeHandle attribute = open_single(file, object, name);
  if (!attribute)
    fail("'{}' has no text '{}' in {}; the file is damaged, take a fresh copy", path, name, object);
  const TypeHandle type = utf8_string_type();
  char* text = nullptr;
  if (H5Aread(attribute.get(), type.get(), static_cast<void*>(&text)) < 0 || text == nullptr)
    fail("'{}' in {} of '{}' is no text; the file is damaged, take a fresh copy", name, object, path);
  std::string copy(text);
  H5free_memory(text);
  return copy;
}

namespace {

std::vector<hsize_t> shape_of(const SpaceHandle& space) {
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> shape(static_cast<std::size_t>(checked(rank, "get a rank")));
  checked(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), "get a shape");
  return shape;
}

/// Error unless values that lie in other files are there: HDF5 fills what is missing with zeros.
void require_sources(hid_t dataset, hid_t creation, const std::string& what) {
  namespace fs = std::filesystem;
  std::array<char, 4096> own{};
  checked(static_cast<hid_t>(H5Fget_name(dataset, own.data(), own.size())), "get a file's name");
  const fs::path folder = fs::path(own.data()).parent_path();
  const auto require_source = [&](const std::string& name, double bytes) {
    double size = -1.0;
    for (const fs::path& place : {fs::path(name), folder / name}) {
      std::error_code problem;
      if (fs::is_regular_file(place, problem)) size = static_cast<double>(fs::file_size(place, problem));
      if (size >= bytes) return;
    }
    fail("{} takes its values from '{}', which is {}; bring it, or store the values in the file itself", what,
         name, size < 0.0 ? "not there" : "too short");
  };
  std::array<char, 4096> name{};
  std::size_t sources = 0;
  if (H5Pget_layout(creation) == H5D_VIRTUAL)
    checked(H5Pget_virtual_count(creation, &sources), "count sources");
  for (std::size_t i = 0; i < sources; ++i) {
    checked(static_cast<hid_t>(H5Pget_virtual_filename(creation, i, name.data(), name.size())),
            "name a source");
    if (std::string(name.data()) != ".") require_source(name.data(), 0.0);
  }
  const int files = H5Pget_external_count(creation);
  for (int i = 0; i < files; ++i) {
    off_t offset = 0;
    hsize_t size = 0;
    checked(H5Pget_external(creation, static_cast<unsigned>(i), name.size(), name.data(), &offset, &size),
            "name a source");
    const double bytes = size == H5F_UNLIMITED ? 0.0 : static_cast<double>(size);
    require_source(name.data(), static_cast<double>(offset) + bytes);
  }
}

}  // namespace

void require_written(hid_t dataset, const std::string& what) {
  const PropertyHandle creation(checked(H5Dget_create_plist(dataset), "get a property list"));
  require_sources(dataset, creation.get(), what);
  H5D_fill_value_t fill = H5D_FILL_VALUE_UNDEFINED;
  if (H5Pfill_value_defined(creation.get(), &fill) < 0 || fill == H5D_FILL_VALUE_USER_DEFINED) return;
  const SpaceHandle space(checked(H5Dget_space(dataset), "get a data space"));
  const hssize_t values = H5Sget_simple_extent_npoints(space.get());
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  bool whole =
      values <= 0 || layout == H5D_COMPACT || layout == H5D_VIRTUAL || H5Dget_storage_size(dataset) > 0;
  if (whole && values > 0 && layout == H5D_CHUNKED) {
    const std::vector<hsize_t> shape = shape_of(space);
    std::vector<hsize_t> chunk(shape.size());
    checked(H5Pget_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), "get chunks");
    hsize_t wanted = 1, written = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      wanted *= (shape[axis] + chunk[axis] - 1) / chunk[axis];
    checked(H5Dget_num_chunks(dataset, space.get(), &written), "count chunks");
    whole = written >= wanted;
  }
  if (!whole)
    fail(
        "{} was never written, at least in part: the program that made it was probably killed; make it again",
        what);
}

std::vector<hsize_t> dataset_shape(const DatasetHandle& dataset) {
  return shape_of(SpaceHandle(checked(H5Dget_space(dataset.get()), "get a data space")));
}

std::vector<double> read_numbers(hid_t file, const std::string& path, const std::string& name,
                                 std::optional<std::uint64_t> count) {
  const DatasetHandle dataset(link_exists(file, name) ? H5Dopen2(file, name.c_str(), H5P_DEFAULT)
                                                      : H5I_INVALID_HID);
  if (!dataset) fail("'{}' has no dataset '{}'; the file is damaged or of another kind", path, name);
  const auto shape = dataset_shape(dataset);
  if (count && product(shape) != *count)
    fail("'{}' of '{}' holds {} numbers where {} are expected; the file is damaged", name, path,
         product(shape), *count);
  return read_block(dataset, fmt::format("'{}' of '{}'", name, path), std::vector<hsize_t>(shape.size(), 0),
                    shape);
}

std::vector<double> read_block(const DatasetHandle& dataset, const std::string& what,
                               const std::vector<hsize_t>& start, const std::vector<hsize_t>& count) {
  const double bytes = std::accumulate(count.begin(), count.end(), double{sizeof(double)},
                                       [](double all, hsize_t n) { return all * static_cast<double>(n); });
  const crash::Reading file_in_work(what);
  mpi::require_memory_here(bytes, what);
  require_written(dataset.get(), what);
  std::vector<double> values(product(count));
  if (values.empty()) return values;
  const SpaceHandle space(checked(H5Dget_space(dataset.get()), "get a data space"));
  checked(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
          "select a block");
  const SpaceHandle memory(
      checked(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "make a data space"));
  if (H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()) < 0)
    fail("cannot read {}; the file is truncated or damaged", what);
  return values;
}

}  // namespace tessera::io
