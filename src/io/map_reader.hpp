#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5_handle.hpp"
#include "sky/plane_grid.hpp"

namespace tessera::io {

/// Reads the files that MapWriter writes; each rank on its own, nothing is collective. Error with the file's
/// name if something is missing.
class MapReader {
 public:
  explicit MapReader(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool on_sphere() const { return sphere_; }
  /// Of maps of the plane.
  [[nodiscard]] PlaneGrid grid() const;
  /// Of maps of the sphere: resolution, and the numbers (NESTED, increasing) of the pixels that are stored.
  [[nodiscard]] std::uint64_t nside() const;
  [[nodiscard]] std::vector<std::uint64_t> pixels() const;
  /// Values of a map at all of them; or at pixels of the given numbers, increasing, NaN where none is stored.
  [[nodiscard]] std::vector<double> read_values(const std::string& name) const;
  [[nodiscard]] std::vector<double> read_values(const std::string& name,
                                                std::span<const std::uint64_t> numbers) const;

  /// Whether a map of that name exists, a two-dimensional dataset or, on the sphere, a group with a value for
  /// each pixel.
  [[nodiscard]] bool has_map(const std::string& name) const;

  /// Full name of a map given as `/group/name` or `name` (looked for in /maps, then /data). Error that lists
  /// the maps of the file if there is none.
  [[nodiscard]] std::string find_map(const std::string& name) const;

  /// Names of the maps of a group such as "/maps", in alphabetic order.
  [[nodiscard]] std::vector<std::string> map_names(const std::string& group) const;

  /// Rows [first, first + count) of a map on the file's grid, [count][nx].
  [[nodiscard]] std::vector<double> read_rows(const std::string& name, std::uint64_t first,
                                              std::uint64_t count) const;

  [[nodiscard]] std::string text_attribute(const std::string& object, const std::string& name) const;

 private:
  [[nodiscard]] double number_attribute(const std::string& object, const std::string& name) const;
  /// A map's values on the sphere, as many as there are pixels.
  [[nodiscard]] DatasetHandle open_values(const std::string& name) const;

  std::string path_;
  FileHandle file_;
  bool sphere_;
};

}  // namespace tessera::io
