#include "io/fits_file.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::io {
namespace {

void check_written(int status, const std::string& path) {
  check_fits(status, path, "write", "check the folder and the disk");
}

constexpr std::size_t block_size = 2880, card_size = 80, value_at = 10;

bool is_named(const std::string& card, const char* name) {
  return card.starts_with(fmt::format("{:<8}=", name));
}

/// The whole number of a card; 0 if it holds none.
double card_number(const std::string& card) { return std::strtod(card.c_str() + value_at, nullptr); }

/// What a header says of the bytes that follow it.
struct DataSize {
  double bits = 0.0, axes = 0.0, product = 1.0, groups = 1.0, parameters = 0.0;

  void add(const std::string& card) {
    if (is_named(card, "BITPIX")) bits = std::abs(card_number(card));
    if (is_named(card, "NAXIS")) axes = card_number(card);
    if (is_named(card, "GCOUNT")) groups = card_number(card);
    if (is_named(card, "PCOUNT")) parameters = card_number(card);
    for (int axis = 1; axis <= 9; ++axis)
      if (is_named(card, fmt::format("NAXIS{}", axis).c_str())) product *= card_number(card);
  }
  /// In whole blocks.
  [[nodiscard]] double bytes() const {
    const double all = axes > 0.0 ? bits / 8.0 * groups * (parameters + product) : 0.0;
    return block_size * std::ceil(all / block_size);
  }
};

/// Error for cards that cfitsio, up to 4.2 at least, copies beyond the room that it has: names of columns
/// without quotes, which may fill a card to its end. What cannot be followed is left to cfitsio to refuse.
void require_safe_headers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, block_size> block{};
  DataSize data;
  while (file.read(block.data(), block.size())) {
    bool ended = false;
    for (std::size_t at = 0; at < block_size && !ended; at += card_size) {
      const std::string card(block.data() + at, card_size);
      ended = card.starts_with("END     ");
      data.add(card);
      const auto value = card.find_first_not_of(' ', value_at - 1);
      if (card.starts_with("TTYPE") && card[value_at - 2] == '=' && value != std::string::npos &&
          card[value] != '\'')
        fail("FITS file '{}' has a name of a column without quotes ({}); mend the header", path,
             excerpt(card));
    }
    if (!ended) continue;
    const double bytes = data.bytes();
    if (!(bytes >= 0.0 && bytes < 0x1p62)) return;
    file.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
    data = {};
  }
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
  require_safe_headers(path);
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
