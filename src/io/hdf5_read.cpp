#include "io/hdf5_read.hpp"

#include <cmath>
#include <functional>
#include <numeric>

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

std::vector<hsize_t> dataset_shape(const DatasetHandle& dataset) {
  const SpaceHandle space(checked(H5Dget_space(dataset.get()), "get a data space"));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> shape(static_cast<std::size_t>(checked(rank, "get a rank")));
  checked(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), "get a shape");
  return shape;
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
  mpi::require_memory_here(bytes, what);
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
