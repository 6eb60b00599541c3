#include "io/map_reader.hpp"

#include <array>
#include <cmath>

#include "core/error.hpp"

namespace tessera::io {
namespace {

bool link_exists(hid_t file, const std::string& name) {
  // Every part of the path must exist before the whole may be asked for.
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1))
    if (H5Lexists(file, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  return H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0;
}

herr_t collect_name(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

MapReader::MapReader(const std::string& path) : path_(path), file_(open_for_reading(path)) {
  if (!link_exists(file_.get(), "/wcs"))
    fail("'{}' has no group /wcs: it is not a file of plane maps written by tessera", path);
}

double MapReader::number_attribute(const std::string& object, const std::string& name) const {
  const AttributeHandle attribute(
      H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
  double value = NAN;
  if (!attribute || H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0)
    fail("'{}' has no number '{}' in {}; the file is damaged", path_, name, object);
  return value;
}

std::string MapReader::text_attribute(const std::string& object, const std::string& name) const {
  const AttributeHandle attribute(
      H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute) fail("'{}' has no text '{}' in {}; the file is damaged", path_, name, object);
  const TypeHandle type = utf8_string_type();
  char* text = nullptr;
  if (H5Aread(attribute.get(), type.get(), static_cast<void*>(&text)) < 0 || text == nullptr)
    fail("'{}' in {} of '{}' is no text; the file is damaged", name, object, path_);
  std::string copy(text);
  H5free_memory(text);
  return copy;
}

PlaneGrid MapReader::grid() const {
  const auto number = [this](const char* name) { return number_attribute("/wcs", name); };
  const double nx = number("NAXIS1");
  const double ny = number("NAXIS2");
  const double pixel_arcmin = 60.0 * number("CDELT2");
  if (!(nx >= 1.0 && ny >= 1.0 && pixel_arcmin > 0.0)) fail("the WCS of '{}' is damaged", path_);
  return {{number("CRVAL1"), number("CRVAL2")},
          static_cast<std::uint64_t>(nx),
          static_cast<std::uint64_t>(ny),
          pixel_arcmin};
}

bool MapReader::has_map(const std::string& name) const {
  if (!link_exists(file_.get(), name)) return false;
  const DatasetHandle dataset(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT));
  if (!dataset) return false;
  const SpaceHandle space(H5Dget_space(dataset.get()));
  return H5Sget_simple_extent_ndims(space.get()) == 2;
}

std::vector<std::string> MapReader::map_names(const std::string& group) const {
  std::vector<std::string> names;
  if (!link_exists(file_.get(), group)) return names;
  H5Literate_by_name(file_.get(), group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &names,
                     H5P_DEFAULT);
  std::erase_if(names, [&](const std::string& name) { return !has_map(group + "/" + name); });
  return names;
}

std::string MapReader::find_map(const std::string& name) const {
  const std::vector<std::string> candidates =
      name.starts_with('/') ? std::vector{name} : std::vector{"/maps/" + name, "/data/" + name};
  for (const std::string& candidate : candidates)
    if (has_map(candidate)) return candidate;
  std::vector<std::string> known = map_names("/maps");
  for (const std::string& other : map_names("/data")) known.push_back(other);
  fail("'{}' has no map '{}'; it has: {}", path_, name,
       known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

std::vector<double> MapReader::read_rows(const std::string& name, std::uint64_t first,
                                         std::uint64_t count) const {
  const PlaneGrid shape = grid();
  const DatasetHandle dataset(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT));
  if (!dataset) fail("'{}' has no dataset '{}'", path_, name);
  const SpaceHandle space(checked(H5Dget_space(dataset.get()), "get a data space"));
  std::array<hsize_t, 2> extent{};
  if (H5Sget_simple_extent_ndims(space.get()) != 2 ||
      H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr) < 0 || extent[0] != shape.ny() ||
      extent[1] != shape.nx())
    fail("'{}' in '{}' is not a map of {} x {} pixels as its WCS says", name, path_, shape.nx(), shape.ny());
  std::vector<double> values(count * shape.nx());
  if (count == 0) return values;
  const std::array<hsize_t, 2> start{first, 0};
  const std::array<hsize_t, 2> block{count, shape.nx()};
  checked(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr),
          "select rows");
  const SpaceHandle memory(checked(H5Screate_simple(2, block.data(), nullptr), "make a data space"));
  if (H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()) < 0)
    fail("cannot read '{}' of '{}'; the file is truncated or damaged", name, path_);
  return values;
}

}  // namespace tessera::io
