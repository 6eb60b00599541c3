#include "catalogue/table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <hdf5.h>

#include "core/error.hpp"
#include "mpi/memory.hpp"

namespace tessera::catalogue {
namespace {

/// The file's first bytes, enough to tell its format.
std::string first_bytes(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code reason;
  const fs::file_status status = fs::status(path, reason);
  if (status.type() == fs::file_type::not_found)
    fail("catalogue '{}' does not exist; give the path of a FITS, HDF5 or CSV file", path);
  if (fs::is_directory(status)) fail("catalogue '{}' is a folder; give the path of a file in it", path);
  // Every rank opens the file on its own and jumps to its share: a pipe cannot serve that.
  if (status.type() != fs::file_type::none && !fs::is_regular_file(status))
    fail("catalogue '{}' is not a regular file, so ranks cannot read parts of it; store it as a file first",
         path);

  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4096> bytes{};
  file.read(bytes.data(), bytes.size());
  const auto count = static_cast<std::size_t>(file.gcount());
  if (count == 0 && (file.bad() || errno != 0))
    fail("cannot read catalogue '{}' ({}); check the path and its permissions", path, std::strerror(errno));
  if (count == 0) fail("catalogue '{}' is empty (0 bytes); check the program that wrote it", path);
  return {bytes.data(), count};
}

}  // namespace

TableShare new_share(const std::string& path, std::size_t columns, std::uint64_t rows) {
  mpi::require_memory_here(sizeof(double) * static_cast<double>(columns) * static_cast<double>(rows),
                           fmt::format("a share of {} rows of catalogue '{}'", rows, path));
  TableShare share(columns, std::vector<double>(rows));
  return share;
}

std::unique_ptr<Table> open_table(const TableLocation& location) {
  const std::string start = first_bytes(location.path);
  if (start.starts_with("SIMPLE  =")) return open_fits_table(location);
  if (start.starts_with("\x1f\x8b")) return open_fits_table(location);  // gzip: cfitsio unpacks it
  // Besides the signature at byte 0, HDF5 looks behind a user block.
  if (start.starts_with("\x89HDF\r\n\x1a\n") || H5Fis_hdf5(location.path.c_str()) > 0)
    return open_hdf5_table(location);
  // Above all zeros and escapes; bytes from 128 on belong to letters outside ASCII.
  const auto never_in_text = [](char c) {
    return static_cast<unsigned char>(c) < 32 &&
           std::string_view("\t\n\v\f\r").find(c) == std::string_view::npos;
  };
  if (std::any_of(start.begin(), start.end(), never_in_text))
    fail("catalogue '{}' is neither FITS nor HDF5 nor text; convert it to one of these formats",
         location.path);
  return open_csv_table(location);
}

}  // namespace tessera::catalogue
