#include "io/fits_file.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <unistd.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::io {
namespace {

void check_written(int status, const std::string& path) {
  check_fits(status, path, "write", "check the folder and the disk");
}

}  // namespace

void FitsCloser::operator()(fitsfile* file) const {
  int status = 0;
  fits_close_file(file, &status);
  fits_clear_errmsg();
}

void check_fits(int status, const std::string& path, const std::string& what, const char* advice) {
  if (status == 0) return;
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  fits_clear_errmsg();
  fail("cannot {} FITS file '{}' ({}); {}", what, path, std::string(text.data()), advice);
}

FitsFile open_fits(const std::string& path) {
  refuse_streams(path, "FITS file");
  int status = 0;
  fitsfile* raw = nullptr;
  fits_open_diskfile(&raw, path.c_str(), READONLY, &status);
  check_fits(status, path, "open",
             "check that it is complete; a packed file that is not FITS must be unpacked first");
  return FitsFile(raw);
}

FitsFile create_fits(const std::string& path) {
  int status = 0;
  fitsfile* raw = nullptr;
  unlink(path.c_str());  // cfitsio does not replace a file
  fits_create_diskfile(&raw, path.c_str(), &status);
  check_written(status, path);
  return FitsFile(raw);
}

void close_written_fits(FitsFile file, const std::string& path, int status) {
  check_written(status, path);
  fits_close_file(file.release(), &status);  // writes what cfitsio still holds
  check_written(status, path);
}

std::string fits_text_key(fitsfile* file, const char* name) {
  int status = 0;
  std::array<char, FLEN_VALUE> value{};
  fits_read_key_str(file, name, value.data(), nullptr, &status);
  if (status != 0) fits_clear_errmsg();
  return status == 0 ? value.data() : "";
}

std::uintmax_t fits_size_on_disk(fitsfile* file, const std::string& path) {
  int status = 0;
  std::array<char, FLEN_FILENAME> driver{};
  fits_url_type(file, driver.data(), &status);
  check_fits(status, path, "open");
  if (std::strcmp(driver.data(), "file://") != 0)
    return static_cast<std::uintmax_t>(file->Fptr->filesize);  // unpacked
  return std::filesystem::file_size(path);
}

void require_complete_fits(fitsfile* file, const std::string& path, std::uintmax_t size) {
  int status = 0;
  LONGLONG end = 0;
  fits_get_hduaddrll(file, nullptr, nullptr, &end, &status);
  check_fits(status, path, "read");
  if (static_cast<std::uintmax_t>(end) > size)
    fail("FITS file '{}' is truncated: its header promises {} bytes, there are {}; copy or write it again",
         path, end, size);
}

}  // namespace tessera::io
