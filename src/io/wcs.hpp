#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "sky/plane_grid.hpp"

namespace tessera::io {

/// A FITS keyword of the celestial header of a plane map.
struct WcsKeyword {
  std::string name;
  std::variant<std::string, double, std::int64_t> value;
  std::string comment;
};

/// The full TAN WCS of a grid (Calabretta & Greisen 2002), angles in degrees, ICRS. Also NAXIS1 and NAXIS2.
[[nodiscard]] std::vector<WcsKeyword> wcs_keywords(const PlaneGrid& grid);

/// The keywords as FITS cards of 80 characters, one a line.
[[nodiscard]] std::string fits_cards(const PlaneGrid& grid);

}  // namespace tessera::io
