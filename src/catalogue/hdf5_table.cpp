// HDF5 catalogues: groups with one dataset a column (h5py, TXPipe's shear/bin_*) or one compound dataset
// (astropy).
#include <algorithm>
#include <array>
#include <fnmatch.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "io/hdf5_handle.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::catalogue {
namespace {

using io::checked;
using Object = io::Handle<H5Oclose>;

herr_t collect_name(hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

/// bin_2 before bin_10.
bool natural_order(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::vector<std::string> links(hid_t file, const std::string& group) {
  std::vector<std::string> names;
  checked(H5Literate_by_name(file, group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &names,
                             H5P_DEFAULT),
          "list a group");
  std::sort(names.begin(), names.end(), natural_order);
  return names;
}

bool is_group(hid_t file, const std::string& name) {
  const Object object(H5Oopen(file, name.c_str(), H5P_DEFAULT));
  return object && H5Iget_type(object.get()) == H5I_GROUP;
}

/// Length of a one-dimensional dataset; -1 for anything else.
hssize_t length_of(hid_t file, const std::string& name) {
  const Object object(H5Oopen(file, name.c_str(), H5P_DEFAULT));
  if (!object || H5Iget_type(object.get()) != H5I_DATASET) return -1;
  const io::SpaceHandle space(H5Dget_space(object.get()));
  return H5Sget_simple_extent_ndims(space.get()) == 1 ? H5Sget_simple_extent_npoints(space.get()) : -1;
}

H5T_class_t class_of(hid_t file, const std::string& name) {
  const io::DatasetHandle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  const io::TypeHandle type(H5Dget_type(dataset.get()));
  return H5Tget_class(type.get());
}

bool is_number(H5T_class_t type) { return type == H5T_FLOAT || type == H5T_INTEGER; }

/// A place that holds a table: a group of columns, or a compound dataset.
struct Source {
  std::string name;
  bool compound = false;
  std::vector<std::string> columns;
};

Source source_at(hid_t file, const std::string& name) {
  Source source{name, false, {}};
  if (length_of(file, name) >= 0 && class_of(file, name) == H5T_COMPOUND) {
    source.compound = true;
    const io::DatasetHandle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
    const io::TypeHandle type(H5Dget_type(dataset.get()));
    for (int member = 0; member < H5Tget_nmembers(type.get()); ++member) {
      if (!is_number(H5Tget_member_class(type.get(), static_cast<unsigned>(member)))) continue;
      char* const text = H5Tget_member_name(type.get(), static_cast<unsigned>(member));
      source.columns.emplace_back(text);
      H5free_memory(text);
    }
  } else if (is_group(file, name)) {
    for (const std::string& link : links(file, name)) {
      const std::string path = name == "/" ? "/" + link : name + "/" + link;
      if (length_of(file, path) >= 0 && is_number(class_of(file, path))) source.columns.push_back(link);
    }
  }
  return source;
}

class Hdf5Table final : public Table {
 public:
  explicit Hdf5Table(const TableLocation& location)
      : path_(location.path), file_(io::open_for_reading(location.path)) {
    find_sources(location.section);
    for (const Source& source : sources_) {
      if (names_.empty()) names_ = source.columns;
      std::erase_if(names_, [&](const std::string& name) {
        return std::find(source.columns.begin(), source.columns.end(), name) == source.columns.end();
      });
    }
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    std::vector<std::uint64_t> begin{0};  // of each source in the table
    for (const Source& source : sources_) begin.push_back(begin.back() + rows_of(source, names));
    const BlockDistribution layout(begin.back(), ranks);
    TableShare share(names.size(), std::vector<double>(layout.count(rank)));
    std::uint64_t done = 0;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const std::uint64_t first = std::max(layout.begin(rank), begin[s]);
      const std::uint64_t end = std::min(layout.end(rank), begin[s + 1]);
      if (first >= end) continue;
      for (std::size_t c = 0; c < names.size(); ++c)
        read(sources_[s], names[c], first - begin[s], end - first, share[c].data() + done);
      done += end - first;
    }
    return share;
  }

 private:
  void find_sources(const std::string& section) {
    const auto add = [this](const std::string& name) {
      Source source = source_at(file_.get(), name);
      if (!source.columns.empty()) sources_.push_back(std::move(source));
    };
    const std::string absolute = section.starts_with('/') ? section : "/" + section;
    if (section.empty())
      find_by_itself(add);
    else if (section.find('*') != std::string::npos)
      for_matching(absolute, add);
    else
      add(absolute);
    if (sources_.empty())
      fail("HDF5 catalogue '{}' has no table{}; name the group of its columns with --section", path_,
           section.empty() ? "" : " in '" + section + "'");
  }

  template <class Add>
  void for_matching(const std::string& pattern, Add add) {
    const std::size_t slash = pattern.rfind('/');
    const std::string parent = slash == 0 ? "/" : pattern.substr(0, slash);
    if (!is_group(file_.get(), parent)) return;
    for (const std::string& link : links(file_.get(), parent))
      if (fnmatch(pattern.substr(slash + 1).c_str(), link.c_str(), 0) == 0)
        add(pattern.substr(0, slash + 1) + link);
  }

  /// TXPipe's shear catalogue, the root, or the one place below it that holds a table.
  template <class Add>
  void find_by_itself(Add add) {
    if (is_group(file_.get(), "/shear/bin_all")) return add("/shear/bin_all");
    for_matching("/shear/bin_*", add);
    if (sources_.empty()) add("/");
    if (!sources_.empty()) return;
    for (const std::string& link : links(file_.get(), "/")) add("/" + link);
    if (sources_.size() < 2) return;
    std::string list;
    for (const Source& source : sources_) list += (list.empty() ? "" : ", ") + source.name;
    fail("HDF5 catalogue '{}' has several tables ({}); choose with --section", path_, list);
  }

  [[nodiscard]] static std::string dataset_name(const Source& source, const std::string& column) {
    if (source.compound) return source.name;
    return source.name == "/" ? "/" + column : source.name + "/" + column;
  }

  [[nodiscard]] std::uint64_t rows_of(const Source& source, const std::vector<std::string>& names) const {
    hssize_t rows = -1;
    for (const std::string& name : names) {
      if (std::find(source.columns.begin(), source.columns.end(), name) == source.columns.end())
        fail("group '{}' of catalogue '{}' has no column '{}'", source.name, path_, name);
      const hssize_t length = length_of(file_.get(), dataset_name(source, name));
      if (rows >= 0 && length != rows)
        fail("column '{}' in '{}' of catalogue '{}' has {} rows and others have {}; the file is damaged",
             name, source.name, path_, length, rows);
      rows = length;
    }
    return static_cast<std::uint64_t>(rows);
  }

  void read(const Source& source, const std::string& column, std::uint64_t first, std::uint64_t count,
            double* values) const {
    const io::DatasetHandle dataset(
        checked(H5Dopen2(file_.get(), dataset_name(source, column).c_str(), H5P_DEFAULT), "open a column"));
    const io::SpaceHandle space(checked(H5Dget_space(dataset.get()), "get a data space"));
    const hsize_t start = first, length = count;
    checked(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &length, nullptr),
            "select rows");
    const io::SpaceHandle memory(checked(H5Screate_simple(1, &length, nullptr), "make a data space"));
    io::TypeHandle member;
    if (source.compound) {
      member = io::TypeHandle(checked(H5Tcreate(H5T_COMPOUND, sizeof(double)), "make a type"));
      checked(H5Tinsert(member.get(), column.c_str(), 0, H5T_NATIVE_DOUBLE), "make a type");
    }
    const hid_t type = source.compound ? member.get() : H5T_NATIVE_DOUBLE;
    if (H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values) < 0)
      fail("cannot read column '{}' of '{}'; the file is truncated or damaged", column, path_);
  }

  std::string path_;
  io::FileHandle file_;
  std::vector<Source> sources_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Table> open_hdf5_table(const TableLocation& location) {
  return std::make_unique<Hdf5Table>(location);
}

}  // namespace tessera::catalogue
