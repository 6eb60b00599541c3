// Tables in HDF5 files: a group with one dataset per column (h5py, TXPipe), several such groups one after the
// other, or a dataset whose records hold the columns (astropy, PyTables).
#include <algorithm>
#include <fnmatch.h>
#include <map>
#include <set>

#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "io/hdf5_handle.hpp"
#include "io/hdf5_read.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::catalogue {
namespace {

using io::checked;
using ObjectHandle = io::Handle<H5Oclose>;

/// A group with a dataset per column or a dataset of records; without columns it is no table.
struct Piece {
  std::string path;
  bool records = false;
  std::vector<std::string> columns;
};

enum class Kind { other, group, column, records };

std::string joined(const std::string& group, const std::string& name) {
  return group.empty() ? name : group + "/" + name;
}

/// path: without slashes at its ends; empty for the root. The handle is invalid if there is no such object.
ObjectHandle open_object(hid_t file, const std::string& path) {
  return ObjectHandle(H5Oopen(file, ("/" + path).c_str(), H5P_DEFAULT));
}

bool is_number(H5T_class_t type) { return type == H5T_INTEGER || type == H5T_FLOAT; }

Kind kind_of(hid_t object) {
  if (object < 0) return Kind::other;
  const H5I_type_t what = H5Iget_type(object);
  if (what == H5I_GROUP) return Kind::group;
  if (what != H5I_DATASET) return Kind::other;
  const io::SpaceHandle space(checked(H5Dget_space(object), "read the shape of a dataset"));
  if (H5Sget_simple_extent_ndims(space.get()) != 1) return Kind::other;
  const io::TypeHandle type(checked(H5Dget_type(object), "read the type of a dataset"));
  if (H5Tget_class(type.get()) == H5T_COMPOUND) return Kind::records;
  return is_number(H5Tget_class(type.get())) ? Kind::column : Kind::other;
}

/// Names in a group, ordered by their bytes; none if it is no group.
std::vector<std::string> children(hid_t file, const std::string& path) {
  std::vector<std::string> names;
  const ObjectHandle group = open_object(file, path);
  if (kind_of(group.get()) != Kind::group) return names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  checked(H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names), "list a group");
  return names;
}

/// The members of a dataset's records that are numbers.
std::vector<std::string> members(hid_t dataset) {
  std::vector<std::string> names;
  const io::TypeHandle type(checked(H5Dget_type(dataset), "read the type of a dataset"));
  for (unsigned i = 0; static_cast<int>(i) < H5Tget_nmembers(type.get()); ++i) {
    if (!is_number(H5Tget_member_class(type.get(), i))) continue;
    char* const name = H5Tget_member_name(type.get(), i);
    names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

/// The table at a path: columns of a group come before a dataset of records that is alone in it.
Piece piece_at(hid_t file, const std::string& path) {
  const ObjectHandle object = open_object(file, path);
  const Kind kind = kind_of(object.get());
  if (kind == Kind::records) return {path, true, members(object.get())};
  Piece piece{path, false, {}};
  std::vector<std::string> records;
  for (const std::string& name : children(file, path)) {
    const Kind child = kind_of(open_object(file, joined(path, name)).get());
    if (child == Kind::column) piece.columns.push_back(name);
    if (child == Kind::records) records.push_back(name);
  }
  if (piece.columns.empty() && records.size() == 1) return piece_at(file, joined(path, records[0]));
  return piece;
}

/// The name with its numbers filled up by zeros, so that bin_2 comes before bin_10.
std::string sort_key(std::string name) {
  constexpr std::size_t width = 20;
  const auto end_of_number = [&](std::size_t at) {
    return std::min(name.find_first_not_of("0123456789", at), name.size());
  };
  for (std::size_t at = 0; (at = name.find_first_of("0123456789", at)) != std::string::npos;) {
    name.insert(at, width - std::min(width, end_of_number(at) - at), '0');
    at = end_of_number(at);
  }
  return name;
}

/// The tables whose last name matches the pattern, which has a *, in the order of their numbers.
std::vector<Piece> matching(hid_t file, const std::string& pattern) {
  const auto name_at = pattern.rfind('/') + 1;  // 0 without a slash
  const std::string group = name_at == 0 ? "" : pattern.substr(0, name_at - 1);
  const std::string name_pattern = pattern.substr(name_at);
  // In TXPipe's files bin_all repeats the galaxies of the other bins.
  std::string all = name_pattern;
  all.replace(all.find('*'), 1, "all");

  std::vector<std::string> names;
  for (const std::string& name : children(file, group))
    if (fnmatch(name_pattern.c_str(), name.c_str(), 0) == 0) names.push_back(name);
  if (names.size() > 1) std::erase(names, all);
  std::ranges::sort(names, {}, sort_key);
  std::vector<Piece> pieces;
  for (const std::string& name : names) pieces.push_back(piece_at(file, joined(group, name)));
  std::erase_if(pieces, [](const Piece& piece) { return piece.columns.empty(); });
  return pieces;
}

/// All tables below a group, not deeper than catalogues are: links can make a ring.
void collect_tables(hid_t file, const std::string& path, int depth, std::map<std::string, Piece>& tables) {
  for (const std::string& name : children(file, path)) {
    const std::string child = joined(path, name);
    if (const Piece piece = piece_at(file, child); !piece.columns.empty()) tables[piece.path] = piece;
    if (depth > 1) collect_tables(file, child, depth - 1, tables);
  }
}

std::uint64_t length_of(hid_t file, const std::string& path) {
  const ObjectHandle dataset = open_object(file, path);
  const io::SpaceHandle space(checked(H5Dget_space(dataset.get()), "read the shape of dataset " + path));
  return static_cast<std::uint64_t>(
      checked(H5Sget_simple_extent_npoints(space.get()), "read the shape of dataset " + path));
}

/// Rows of the table, which the given columns of it must agree on.
std::uint64_t row_count(hid_t file, const Piece& piece, const std::vector<std::string>& columns,
                        const std::string& path) {
  if (piece.records) return length_of(file, piece.path);
  const std::uint64_t rows = length_of(file, joined(piece.path, columns[0]));
  for (const std::string& column : columns)
    if (const std::uint64_t other = length_of(file, joined(piece.path, column)); other != rows)
      fail("columns '{}' ({} rows) and '{}' ({} rows) of group '/{}' in '{}' differ in length; choose others",
           columns[0], rows, column, other, piece.path, path);
  return rows;
}

bool equally_long(hid_t file, const Piece& piece) {
  std::set<std::uint64_t> lengths;
  for (const std::string& column : piece.columns)
    lengths.insert(length_of(file, piece.records ? piece.path : joined(piece.path, column)));
  return lengths.size() == 1;
}

std::string names_of(const std::map<std::string, Piece>& tables) {
  std::string names;
  for (const auto& table : tables) names += (names.empty() ? "" : ", ") + table.first;
  return names;
}

/// The table of a file for which the user named none.
std::vector<Piece> find_pieces(hid_t file, const std::string& path) {
  if (Piece all = piece_at(file, "shear/bin_all"); !all.columns.empty()) return {all};
  if (std::vector<Piece> bins = matching(file, "shear/bin_[0-9]*"); !bins.empty()) return bins;
  if (Piece root = piece_at(file, ""); !root.columns.empty()) return {root};
  std::map<std::string, Piece> tables;
  collect_tables(file, "", 4, tables);
  auto likely = tables;
  std::erase_if(likely, [&](const auto& table) { return !equally_long(file, table.second); });
  if (likely.size() == 1) return {likely.begin()->second};
  if (tables.empty())
    fail("HDF5 file '{}' has no one-dimensional numeric datasets; give a file with a catalogue", path);
  fail("HDF5 file '{}' has several groups with columns ({}); choose one with --section", path,
       names_of(tables));
}

std::vector<Piece> chosen_pieces(hid_t file, const TableLocation& location) {
  std::string section = location.section;
  if (section.empty()) return find_pieces(file, location.path);
  section.erase(0, section.find_first_not_of('/'));
  section.erase(section.find_last_not_of('/') + 1);
  const bool is_pattern = section.find('*') != std::string::npos;
  const std::vector<Piece> pieces =
      is_pattern ? matching(file, section) : std::vector{piece_at(file, section)};
  if (!pieces.empty() && !pieces[0].columns.empty()) return pieces;
  std::map<std::string, Piece> tables;
  collect_tables(file, "", 4, tables);
  fail("HDF5 file '{}' has no table '{}' (it has: {}); choose with --section", location.path,
       location.section, tables.empty() ? "none in a group" : names_of(tables));
}

/// Names that every piece has, in the first one's order.
std::vector<std::string> common_columns(const std::vector<Piece>& pieces) {
  std::vector<std::string> names;
  for (const std::string& name : pieces[0].columns)
    if (std::ranges::all_of(pieces,
                            [&](const Piece& piece) { return std::ranges::count(piece.columns, name) > 0; }))
      names.push_back(name);
  return names;
}

class Hdf5Table final : public Table {
 public:
  explicit Hdf5Table(const TableLocation& location)
      : path_(location.path),
        file_(io::open_for_reading(location.path)),
        pieces_(chosen_pieces(file_.get(), location)),
        names_(common_columns(pieces_)) {}

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    TESSERA_REQUIRE(!names.empty() && 0 <= rank && rank < ranks);
    return io::reading(path_, [&] { return read(names, rank, ranks); });
  }

 private:
  [[nodiscard]] TableShare read(const std::vector<std::string>& names, int rank, int ranks) const {
    for (const std::string& name : names)
      if (std::ranges::count(names_, name) == 0)
        fail("HDF5 table '{}' has no column '{}' (it has: {}); name one of these", path_, name,
             fmt::join(names_, ", "));
    std::vector<std::uint64_t> begins{0};  // where each piece begins in the whole table
    for (const Piece& piece : pieces_)
      begins.push_back(begins.back() + row_count(file_.get(), piece, names, path_));
    const BlockDistribution blocks(begins.back(), ranks);
    TableShare share = new_share(path_, names.size(), blocks.count(rank));
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      const std::uint64_t first = std::max(blocks.begin(rank), begins[p]);
      const std::uint64_t last = std::min(blocks.end(rank), begins[p + 1]);
      if (first >= last) continue;
      const Rows rows{first - begins[p], last - first, first - blocks.begin(rank)};
      pieces_[p].records ? read_records(pieces_[p], names, rows, share)
                         : read_columns(pieces_[p], names, rows, share);
    }
    return share;
  }

  struct Rows {
    std::uint64_t first, count;  // in the piece
    std::uint64_t to;            // in the share
  };

  /// Consecutive rows of a dataset, converted by HDF5 to the type in memory.
  void read_rows(const std::string& path, hsize_t first, hsize_t count, hid_t type, void* out) const {
    const std::string what = fmt::format("read dataset '{}'", path);
    const ObjectHandle dataset = open_object(file_.get(), path);
    io::require_written(dataset.get(), fmt::format("'{}' of catalogue '{}'", path, path_));
    const io::SpaceHandle space(checked(H5Dget_space(dataset.get()), what));
    const io::SpaceHandle memory(checked(H5Screate_simple(1, &count, nullptr), what));
    checked(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), what);
    checked(H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, out), what);
  }

  void read_columns(const Piece& piece, const std::vector<std::string>& names, const Rows& rows,
                    TableShare& share) const {
    for (std::size_t c = 0; c < names.size(); ++c)
      read_rows(joined(piece.path, names[c]), rows.first, rows.count, H5T_NATIVE_DOUBLE,
                share[c].data() + rows.to);
  }

  /// The wanted members of some records at a time, then dealt to the columns.
  void read_records(const Piece& piece, const std::vector<std::string>& names, const Rows& rows,
                    TableShare& share) const {
    std::map<std::string, std::size_t> places;  // a name that is asked for twice is one member
    for (const std::string& name : names) places.emplace(name, places.size());
    const std::size_t width = places.size();
    const io::TypeHandle type(checked(H5Tcreate(H5T_COMPOUND, width * sizeof(double)), "describe a record"));
    for (const auto& [name, place] : places)
      checked(H5Tinsert(type.get(), name.c_str(), place * sizeof(double), H5T_NATIVE_DOUBLE),
              "describe a record");

    constexpr std::uint64_t step = 65536;
    std::vector<double> records(width * std::min(step, rows.count));
    for (std::uint64_t done = 0; done < rows.count; done += step) {
      const std::uint64_t count = std::min(step, rows.count - done);
      read_rows(piece.path, rows.first + done, count, type.get(), records.data());
      for (std::size_t c = 0; c < names.size(); ++c) {
        const double* record = records.data() + places.at(names[c]);
        for (std::uint64_t row = 0; row < count; ++row, record += width)
          share[c][rows.to + done + row] = *record;
      }
    }
  }

  std::string path_;
  io::FileHandle file_;
  std::vector<Piece> pieces_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Table> open_hdf5_table(const TableLocation& location) {
  return io::reading(location.path, [&] { return std::make_unique<Hdf5Table>(location); });
}

}  // namespace tessera::catalogue
