#include "io/wcs.hpp"

#include <fmt/format.h>

namespace tessera::io {

std::vector<WcsKeyword> wcs_keywords(const PlaneGrid& grid) {
  const double degrees = grid.pixel_arcmin() / 60.0;
  const auto middle = [](std::uint64_t n) { return 0.5 * static_cast<double>(n + 1); };
  return {
      {"NAXIS1", static_cast<std::int64_t>(grid.nx()), "pixels to the West"},
      {"NAXIS2", static_cast<std::int64_t>(grid.ny()), "pixels to the North"},
      {"CTYPE1", std::string("RA---TAN"), "gnomonic projection"},
      {"CTYPE2", std::string("DEC--TAN"), "gnomonic projection"},
      {"CUNIT1", std::string("deg"), ""},
      {"CUNIT2", std::string("deg"), ""},
      {"CRVAL1", grid.centre().ra, "right ascension of the field's centre"},
      {"CRVAL2", grid.centre().dec, "declination of the field's centre"},
      {"CRPIX1", middle(grid.nx()), "field's centre"},
      {"CRPIX2", middle(grid.ny()), "field's centre"},
      {"CDELT1", -degrees, "x grows to the West"},
      {"CDELT2", degrees, "y grows to the North"},
      {"RADESYS", std::string("ICRS"), ""},
  };
}

std::string fits_cards(const PlaneGrid& grid) {
  std::string cards;
  for (const WcsKeyword& keyword : wcs_keywords(grid)) {
    std::string value;
    if (const auto* text = std::get_if<std::string>(&keyword.value)) value = fmt::format("'{:<8}'", *text);
    if (const auto* number = std::get_if<double>(&keyword.value)) value = fmt::format("{:>20.17G}", *number);
    if (const auto* count = std::get_if<std::int64_t>(&keyword.value)) value = fmt::format("{:>20}", *count);
    std::string card = fmt::format("{:<8}= {:<20} / {}", keyword.name, value, keyword.comment);
    card.resize(80, ' ');
    cards += card + "\n";
  }
  cards.pop_back();
  return cards;
}

}  // namespace tessera::io
