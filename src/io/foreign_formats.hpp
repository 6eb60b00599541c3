#pragma once

#include "io/foreign_maps.hpp"

namespace tessera::io {

// The formats behind open_foreign_maps, each told by the first bytes of the file.

[[nodiscard]] std::unique_ptr<ForeignMaps> open_fits_maps(const std::string& path);
[[nodiscard]] std::unique_ptr<ForeignMaps> open_npy_maps(const std::string& path);
[[nodiscard]] std::unique_ptr<ForeignMaps> open_hdf5_maps(const std::string& path, const MapChoice& choice);

/// kappaTNG's binary map; nothing if the file's size and marks are not those of one.
[[nodiscard]] std::unique_ptr<ForeignMaps> open_kappa_tng_binary(const std::string& path);

/// Side of a pixel of kappaTNG's maps: 1024 on 5 degrees. Nothing for another number of pixels.
[[nodiscard]] std::optional<double> kappa_tng_pixel(std::uint64_t ny, std::uint64_t nx);

/// Error if the choice names what only HDF5 files, or kappaTNG, can have.
void require_no_dataset(const std::string& path, const MapChoice& choice);
void require_no_planes(const std::string& path, const MapChoice& choice);

}  // namespace tessera::io
