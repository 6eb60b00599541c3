#include "io/fits_image.hpp"

#include <array>
#include <memory>
#include <unistd.h>
#include <vector>

#include <fitsio.h>

#include "core/error.hpp"
#include "core/version.hpp"
#include "io/wcs.hpp"

namespace tessera::io {
namespace {

void check(int status, const std::string& path) {
  if (status == 0) return;
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  fits_clear_errmsg();
  fail("cannot write FITS file '{}' ({}); check the folder and the disk", path, std::string(text.data()));
}

struct Closer {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
  }
};

void write_keyword(fitsfile* file, const WcsKeyword& keyword, int& status) {
  const char* const name = keyword.name.c_str();
  const char* const comment = keyword.comment.c_str();
  if (const auto* text = std::get_if<std::string>(&keyword.value))
    fits_write_key_str(file, name, text->c_str(), comment, &status);
  if (const auto* number = std::get_if<double>(&keyword.value))
    fits_write_key_dbl(file, name, *number, -17, comment, &status);
}

}  // namespace

void write_fits_image(const std::string& path, const PlaneGrid& grid, std::span<const double> map,
                      const std::string& name, const Description& description) {
  TESSERA_REQUIRE(map.size() == grid.nx() * grid.ny());
  int status = 0;
  fitsfile* raw = nullptr;
  unlink(path.c_str());  // cfitsio does not replace a file
  fits_create_diskfile(&raw, path.c_str(), &status);
  check(status, path);
  std::unique_ptr<fitsfile, Closer> file(raw);

  std::array<long, 2> axes{static_cast<long>(grid.nx()), static_cast<long>(grid.ny())};
  fits_create_img(raw, DOUBLE_IMG, 2, axes.data(), &status);
  for (const WcsKeyword& keyword : wcs_keywords(grid)) write_keyword(raw, keyword, status);
  fits_write_key_str(raw, "OBJECT", name.c_str(), "map", &status);
  fits_write_key_str(raw, "BUNIT", description.units.c_str(), "", &status);
  fits_write_key_longstr(raw, "DESCR", description.text.c_str(), "", &status);
  fits_write_key_str(raw, "CREATOR", ("tessera " + version()).c_str(), "", &status);
  std::vector<double> pixels(map.begin(), map.end());
  fits_write_img(raw, TDOUBLE, 1, static_cast<LONGLONG>(pixels.size()), pixels.data(), &status);
  check(status, path);
  fits_close_file(file.release(), &status);
  check(status, path);
}

}  // namespace tessera::io
