#include "io/map_reader.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "io/hdf5_read.hpp"
#include "sky/healpix_grid.hpp"

namespace tessera::io {
namespace {

herr_t collect_name(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

MapReader::MapReader(const std::string& path)
    : path_(path), file_(open_for_reading(path)), sphere_(link_exists(file_.get(), "/healpix")) {
  if (!sphere_ && !link_exists(file_.get(), "/wcs"))
    fail("'{}' has neither a group /wcs nor /healpix: it is not a file of maps written by tessera", path);
}

std::uint64_t MapReader::nside() const {
  const double nside = number_attribute("/healpix", "nside");
  constexpr double most = 1 << 24;
  if (!(nside >= 1.0 && nside <= most) || nside != std::exp2(std::floor(std::log2(nside))))
    fail("'{}' says nside = {}, which must be a power of two from 1 to {}; it is damaged", path_, nside,
         most);
  return static_cast<std::uint64_t>(nside);
}

std::vector<std::uint64_t> MapReader::pixels() const {
  const std::vector<double> numbers = read_numbers(file_.get(), path_, "/healpix/pixel", {});
  std::vector<std::uint64_t> result;
  const auto all = static_cast<double>(HealpixGrid(nside()).pixels());
  for (const double number : numbers) {
    if (!(number >= 0.0 && number < all) || (!result.empty() && number <= static_cast<double>(result.back())))
      fail("'{}' has a list of pixels that does not increase within the sphere; it is damaged", path_);
    result.push_back(static_cast<std::uint64_t>(number));
  }
  return result;
}

DatasetHandle MapReader::open_values(const std::string& name) const {
  const DatasetHandle pixel(H5Dopen2(file_.get(), "/healpix/pixel", H5P_DEFAULT));
  DatasetHandle value(H5Dopen2(file_.get(), (name + "/value").c_str(), H5P_DEFAULT));
  if (!pixel || !value) fail("'{}' has no '/healpix/pixel' or no '{}/value'; it is damaged", path_, name);
  const auto shape = dataset_shape(value);
  if (shape.size() != 1 || shape != dataset_shape(pixel))
    fail("'{}' in '{}' does not have a value for each pixel of /healpix; it is damaged", name, path_);
  return value;
}

std::vector<double> MapReader::read_values(const std::string& name) const {
  const DatasetHandle value = open_values(name);
  return read_block(value, fmt::format("'{}' of '{}'", name, path_), {0}, dataset_shape(value));
}

std::vector<double> MapReader::read_values(const std::string& name,
                                           std::span<const std::uint64_t> numbers) const {
  const DatasetHandle pixel(H5Dopen2(file_.get(), "/healpix/pixel", H5P_DEFAULT)), value = open_values(name);
  const auto read = [&](const DatasetHandle& dataset, hsize_t first, hsize_t count) {
    return read_block(dataset, fmt::format("'{}' of '{}'", name, path_), {first}, {count});
  };
  constexpr hsize_t block = 1 << 20;
  const hsize_t all = dataset_shape(value).front();
  std::vector<double> result(numbers.size(), NAN);
  std::size_t next = 0;
  for (hsize_t first = 0; first < all && next < numbers.size(); first += block) {
    const hsize_t count = std::min(block, all - first);
    const auto stored = read(pixel, first, count), values = read(value, first, count);
    for (std::size_t i = 0; i < count; ++i) {
      while (next < numbers.size() && static_cast<double>(numbers[next]) < stored[i]) ++next;
      if (next < numbers.size() && static_cast<double>(numbers[next]) == stored[i]) result[next] = values[i];
    }
  }
  return result;
}

double MapReader::number_attribute(const std::string& object, const std::string& name) const {
  return read_number_attribute(file_.get(), path_, object, name);
}

std::string MapReader::text_attribute(const std::string& object, const std::string& name) const {
  return read_text_attribute(file_.get(), path_, object, name);
}

PlaneGrid MapReader::grid() const {
  if (sphere_) fail("'{}' holds maps of the sphere, and maps of the plane are needed", path_);
  const auto number = [this](const char* name) { return number_attribute("/wcs", name); };
  const double nx = number("NAXIS1");
  const double ny = number("NAXIS2");
  const double pixel_arcmin = 60.0 * number("CDELT2");
  const SkyPosition centre{number("CRVAL1"), number("CRVAL2")};
  const auto is_count = [](double n) { return n >= 1.0 && n <= 0x1p31 && n == std::floor(n); };
  if (!is_count(nx) || !is_count(ny) || !(pixel_arcmin > 0.0 && pixel_arcmin < 1e4) ||
      !(std::abs(centre.ra) <= 360.0 && std::abs(centre.dec) <= 90.0))
    fail("the WCS of '{}' is damaged: {} x {} pixels of {} arcmin about RA {}, Dec {}; map anew", path_, nx,
         ny, pixel_arcmin, centre.ra, centre.dec);
  return {centre, static_cast<std::uint64_t>(nx), static_cast<std::uint64_t>(ny), pixel_arcmin};
}

bool MapReader::has_map(const std::string& name) const {
  const std::string values = sphere_ ? name + "/value" : name;
  if (!link_exists(file_.get(), values)) return false;
  const DatasetHandle dataset(H5Dopen2(file_.get(), values.c_str(), H5P_DEFAULT));
  if (!dataset) return false;
  const SpaceHandle space(H5Dget_space(dataset.get()));
  return H5Sget_simple_extent_ndims(space.get()) == (sphere_ ? 1 : 2);
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
  if (dataset_shape(dataset) != std::vector<hsize_t>{shape.ny(), shape.nx()})
    fail("'{}' in '{}' is not a map of {} x {} pixels as its WCS says", name, path_, shape.nx(), shape.ny());
  return read_block(dataset, fmt::format("'{}' of '{}'", name, path_), {first, 0}, {count, shape.nx()});
}

}  // namespace tessera::io
