// Datasets of HDF5 files as maps.
#include <algorithm>

#include "core/error.hpp"
#include "io/foreign_formats.hpp"
#include "io/hdf5_read.hpp"
#include "io/map_reader.hpp"
#include "io/sky_set.hpp"

namespace tessera::io {
namespace {

/// A dataset as a stack of maps: axes of length 1 before the last two do not count.
class Stack {
 public:
  Stack(hid_t file, const std::string& path, const std::string& name)
      : what_(fmt::format("'{}' of '{}'", name, path)), dataset_(H5Dopen2(file, name.c_str(), H5P_DEFAULT)) {
    if (!dataset_) fail("'{}' of '{}' is no dataset; name one with --dataset", name, path);
    const TypeHandle type(checked(H5Dget_type(dataset_.get()), "get a type"));
    const H5T_class_t kind = H5Tget_class(type.get());
    if (kind != H5T_FLOAT && kind != H5T_INTEGER)
      fail("{} does not hold numbers; name a map with --dataset", what_);
    shape_ = dataset_shape(dataset_);
    if (!is_stack()) fail("{} has {} axes and maps have 2, or 3 for a stack", what_, shape_.size());
  }

  [[nodiscard]] static bool fits(hid_t file, const std::string& name) {
    const DatasetHandle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
    const TypeHandle type(H5Dget_type(dataset.get()));
    if (!type || H5Tget_class(type.get()) != H5T_FLOAT) return false;
    const auto axes = dataset_shape(dataset).size();
    return axes == 2 || axes == 3;
  }

  [[nodiscard]] MapFacts facts() const {
    MapFacts facts;
    facts.count = map_axis_ ? shape_[*map_axis_] : 1;
    facts.ny = shape_[shape_.size() - 2];
    facts.nx = shape_.back();
    return facts;
  }

  [[nodiscard]] std::vector<double> read(std::uint64_t index) const {
    std::vector<hsize_t> start(shape_.size(), 0), count(shape_.size(), 1);
    if (map_axis_) start[*map_axis_] = index;
    count[shape_.size() - 2] = shape_[shape_.size() - 2];
    count.back() = shape_.back();
    return read_block(dataset_, what_, start, count);
  }

 private:
  bool is_stack() {
    if (shape_.size() < 2 || std::find(shape_.begin(), shape_.end(), 0U) != shape_.end()) return false;
    for (std::size_t axis = 0; axis + 2 < shape_.size(); ++axis) {
      if (shape_[axis] == 1) continue;
      if (map_axis_) return false;
      map_axis_ = axis;
    }
    return true;
  }

  std::string what_;
  DatasetHandle dataset_;
  std::vector<hsize_t> shape_;
  std::optional<std::size_t> map_axis_;
};

class Hdf5Maps final : public ForeignMaps {
 public:
  Hdf5Maps(const std::string& path, const std::string& name)
      : file_(open_for_reading(path)), stack_(file_.get(), path, name), facts_(stack_.facts()) {
    if (link_exists(file_.get(), "/wcs")) facts_.pixel_arcmin = MapReader(path).grid().pixel_arcmin();
  }
  [[nodiscard]] const MapFacts& facts() const override { return facts_; }
  [[nodiscard]] std::vector<double> read(std::uint64_t index) const override { return stack_.read(index); }

 private:
  FileHandle file_;
  Stack stack_;
  MapFacts facts_;
};

class SetMaps final : public ForeignMaps {
 public:
  explicit SetMaps(const std::string& path) : set_(path) {
    const SkySetHeader& header = set_.header();
    facts_ = {header.count,          header.ny, header.nx, header.pixel_arcmin, header.periodic,
              header.pixel_averaged, true};
  }
  [[nodiscard]] const MapFacts& facts() const override { return facts_; }
  [[nodiscard]] std::vector<double> read(std::uint64_t index) const override {
    return set_.read_rows(index, 0, facts_.ny);
  }

 private:
  SkySetReader set_;
  MapFacts facts_;
};

/// kappaTNG (Osato, Liu & Haiman 2021): one map per source plane, z01/kappa to z40/kappa, as load_map.ipynb
/// of https://github.com/0satoken/kappaTNG reads them. The rays end on points: no mean over pixels.
class KappaTngMaps final : public ForeignMaps {
 public:
  KappaTngMaps(const std::string& path, const std::vector<std::pair<std::uint64_t, double>>& planes)
      : file_(open_for_reading(path)) {
    for (const auto& [plane, weight] : planes) {
      planes_.emplace_back(Stack(file_.get(), path, dataset(plane)), weight);
      const MapFacts facts = planes_.back().first.facts();
      if (planes_.size() == 1) facts_ = facts;
      if (facts.count != 1 || facts.ny != facts_.ny || facts.nx != facts_.nx)
        fail("the source planes of '{}' are of different sizes; the file is damaged", path);
    }
    facts_.pixel_arcmin = kappa_tng_pixel(facts_.ny, facts_.nx);
    facts_.periodic = false;
    facts_.pixel_averaged = false;
  }

  static constexpr std::uint64_t plane_count = 40;
  [[nodiscard]] static std::string dataset(std::uint64_t plane) {
    return fmt::format("/z{:02}/kappa", plane);
  }

  [[nodiscard]] const MapFacts& facts() const override { return facts_; }
  [[nodiscard]] std::vector<double> read(std::uint64_t index) const override {
    std::vector<double> sum(facts_.ny * facts_.nx);
    for (const auto& [stack, weight] : planes_) {
      const auto map = stack.read(index);
      for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += weight * map[p];
    }
    return sum;
  }

 private:
  FileHandle file_;
  std::vector<std::pair<Stack, double>> planes_;
  MapFacts facts_;
};

std::vector<std::uint64_t> planes_of(hid_t file) {
  std::vector<std::uint64_t> planes;
  for (std::uint64_t plane = 1; plane <= KappaTngMaps::plane_count; ++plane)
    if (link_exists(file, KappaTngMaps::dataset(plane))) planes.push_back(plane);
  return planes;
}

std::unique_ptr<ForeignMaps> open_kappa_tng(const std::string& path, const std::vector<std::uint64_t>& planes,
                                            const MapChoice& choice) {
  std::vector<std::pair<std::uint64_t, double>> chosen;
  const auto require = [&](std::uint64_t plane) {
    if (std::find(planes.begin(), planes.end(), plane) == planes.end())
      fail("'{}' has no source plane {} (it has: {}); choose another, or a file with all of them", path,
           plane, fmt::join(planes, ", "));
  };
  if (choice.source_redshift) {
    const auto weights = kappa_tng_weights(*choice.source_redshift);
    for (std::uint64_t plane = 1; plane <= weights.size(); ++plane)
      if (weights[plane - 1] > 0.0) chosen.emplace_back(plane, weights[plane - 1]);
  } else if (choice.source_plane) {
    chosen.emplace_back(*choice.source_plane, 1.0);
  } else if (planes.size() == 1) {
    chosen.emplace_back(planes.front(), 1.0);
  } else {
    fail(
        "'{}' holds kappaTNG's source planes {} to {}; choose one with --source-plane or weight them with "
        "--nz",
        path, planes.front(), planes.back());
  }
  for (const auto& entry : chosen) require(entry.first);
  return std::make_unique<KappaTngMaps>(path, chosen);
}

herr_t collect_link(hid_t /*group*/, const char* name, const H5L_info_t* info, void* names) {
  if (info->type == H5L_TYPE_HARD)
    static_cast<std::vector<std::string>*>(names)->push_back(std::string("/") + name);
  return 0;
}

/// The only dataset that can be maps.
std::string only_stack(hid_t file, const std::string& path) {
  std::vector<std::string> names;
  checked(H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, collect_link, &names), "list the datasets");
  std::erase_if(names, [&](const std::string& name) { return !Stack::fits(file, name); });
  if (names.empty()) fail("'{}' has no dataset of numbers with 2 or 3 axes; give a file with maps", path);
  if (names.size() > 1)
    fail("'{}' has several datasets that may be maps ({}); choose with --dataset", path,
         fmt::join(names, ", "));
  return names.front();
}

/// A dataset as the user names it: with or without the first slash, or short for one in /maps.
std::string full_name(hid_t file, const std::string& path, const std::string& name) {
  for (const std::string& candidate : {name.starts_with('/') ? name : "/" + name, "/maps/" + name})
    if (link_exists(file, candidate)) return candidate;
  fail("'{}' has no dataset '{}'; h5ls -r shows what it has", path, name);
}

}  // namespace

std::unique_ptr<ForeignMaps> open_hdf5_maps(const std::string& path, const MapChoice& choice) {
  const FileHandle file = open_for_reading(path);
  const auto planes = planes_of(file.get());
  if (choice.dataset.empty() && !planes.empty()) return open_kappa_tng(path, planes, choice);
  require_no_planes(path, choice);
  if (!choice.dataset.empty())
    return std::make_unique<Hdf5Maps>(path, full_name(file.get(), path, choice.dataset));
  if (link_exists(file.get(), "/skies/kappa")) return std::make_unique<SetMaps>(path);
  if (link_exists(file.get(), "/wcs") && link_exists(file.get(), "/maps/kappa"))
    return std::make_unique<Hdf5Maps>(path, "/maps/kappa");
  return std::make_unique<Hdf5Maps>(path, only_stack(file.get(), path));
}

}  // namespace tessera::io
