#include "io/fits_image.hpp"

#include <array>
#include <utility>
#include <vector>

#include <fitsio.h>

#include "core/error.hpp"
#include "core/version.hpp"
#include "io/fits_file.hpp"
#include "io/wcs.hpp"

namespace tessera::io {
namespace {

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
  FitsFile file = create_fits(path);
  fitsfile* const raw = file.get();
  int status = 0;
  std::array<long, 2> axes{static_cast<long>(grid.nx()), static_cast<long>(grid.ny())};
  fits_create_img(raw, DOUBLE_IMG, 2, axes.data(), &status);
  for (const WcsKeyword& keyword : wcs_keywords(grid)) write_keyword(raw, keyword, status);
  fits_write_key_str(raw, "OBJECT", name.c_str(), "map", &status);
  fits_write_key_str(raw, "BUNIT", description.units.c_str(), "", &status);
  fits_write_key_longstr(raw, "DESCR", description.text.c_str(), "", &status);
  fits_write_key_str(raw, "CREATOR", ("tessera " + version()).c_str(), "", &status);
  std::vector<double> pixels(map.begin(), map.end());
  fits_write_img(raw, TDOUBLE, 1, static_cast<LONGLONG>(pixels.size()), pixels.data(), &status);
  close_written_fits(std::move(file), path, status);
}

}  // namespace tessera::io
