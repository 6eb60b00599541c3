#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/map_writer.hpp"

namespace tessera::io {

/// A map of the sphere in equatorial coordinates, whole or in part.
struct HealpixMap {
  std::uint64_t nside;
  std::vector<std::uint64_t> pixels;  // [n] NESTED, increasing; empty for the whole sky
  std::vector<double> values;         // [n], or [12 nside^2] in NESTED order; NaN where there is none
};

/// Reads a map as healpy.write_map makes it: the first HEALPix table of a FITS file, RING or NESTED, of the
/// whole sky (INDXSCHM IMPLICIT) or in part (EXPLICIT, with a column PIXEL); numbers of any type, or flags as
/// 0 and 1. UNSEEN becomes NaN. column: name without regard to case; the first map if empty. By one rank
/// alone: Error if the file is damaged, in other coordinates, or its header and its rows disagree.
[[nodiscard]] HealpixMap read_healpix_fits(const std::string& path, const std::string& column);

/// Writes a map as the column `name`, double precision, NESTED, with description.units as its unit and UNSEEN
/// for NaN. By one rank; replaces a file of that name.
void write_healpix_fits(const std::string& path, const HealpixMap& map, const std::string& name,
                        const Description& description);

}  // namespace tessera::io
