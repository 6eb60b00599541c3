#pragma once

#include <span>
#include <string>

#include "io/map_writer.hpp"

namespace tessera::io {

/// Writes a map [ny][nx] as the primary image of a FITS file (double precision) with the grid's WCS, BUNIT
/// and OBJECT = name. By one rank; replaces a file of that name.
void write_fits_image(const std::string& path, const PlaneGrid& grid, std::span<const double> map,
                      const std::string& name, const Description& description);

}  // namespace tessera::io
