#include "io/hdf5_handle.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::io {

namespace {

// A fact about the process, as HDF5's list of open files is.
bool& abandoned() {
  static bool flag = false;
  return flag;
}

}  // namespace

bool has_abandoned_file() { return abandoned(); }

void abandon(FileHandle& file) {
  if (file.release() >= 0) abandoned() = true;
}

void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

hid_t checked(hid_t status, std::string_view what) {
  if (status < 0) throw Hdf5Failure(fmt::format("HDF5 could not {}", what));
  return status;
}

void require_readable(const std::string& path) {
  if (is_folder(path)) fail("'{}' is a folder; give an HDF5 file", path);
  refuse_streams(path, "input");
  if (access(path.c_str(), R_OK) != 0)
    fail("cannot read '{}' ({}); give the path of an existing file", path, std::strerror(errno));
}

FileHandle open_for_reading(const std::string& path) {
  require_readable(path);
  FileHandle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (!file)
    fail(
        "'{}' is not a readable HDF5 file (truncated, of another format, or still open for writing "
        "elsewhere?); check it with h5ls",
        path);
  return file;
}

TypeHandle utf8_string_type() {
  TypeHandle type(checked(H5Tcopy(H5T_C_S1), "copy the string type"));
  checked(H5Tset_size(type.get(), H5T_VARIABLE), "set the string size");
  checked(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set the string encoding");
  return type;
}

}  // namespace tessera::io
