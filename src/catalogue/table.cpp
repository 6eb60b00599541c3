#include "catalogue/table.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "core/error.hpp"

namespace tessera::catalogue {

std::unique_ptr<Table> open_table(const TableLocation& location) {
  const std::string& path = location.path;
  if (std::filesystem::is_directory(path)) fail("catalogue '{}' is a folder; give a file", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read catalogue '{}' ({}); check the path", path, std::strerror(errno));
  std::array<char, 512> bytes{};
  file.read(bytes.data(), bytes.size());
  const std::string_view head(bytes.data(), static_cast<std::size_t>(file.gcount()));
  if (head.empty()) fail("catalogue '{}' is empty; give a FITS table, an HDF5 file or a CSV file", path);
  if (head.starts_with("SIMPLE") || head.starts_with("\x1f\x8b")) return open_fits_table(location);
  if (head.starts_with("\x89HDF\r\n\x1a\n")) return open_hdf5_table(location);
  if (head.find('\0') != std::string_view::npos)
    fail("catalogue '{}' is neither FITS, HDF5 nor text; give one of these", path);
  return open_csv_table(location);
}

}  // namespace tessera::catalogue
