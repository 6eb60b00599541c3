#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tessera::io {

/// A distribution of source redshifts: n at increasing z, in any unit.
struct RedshiftTable {
  std::vector<double> z;
  std::vector<double> n;
};

/// Which maps are meant in files that hold several kinds.
struct MapChoice {
  std::string dataset;                           // HDF5: name of a dataset; empty: the file's only stack
  std::optional<std::uint64_t> source_plane;     // kappaTNG: number of the source plane, from 1
  std::optional<RedshiftTable> source_redshift;  // kappaTNG: the mean over the planes with these weights
};

/// What a file says of its maps.
struct MapFacts {
  std::uint64_t count = 0;
  std::uint64_t ny = 0, nx = 0;
  std::optional<double> pixel_arcmin = std::nullopt;
  std::optional<bool> periodic = std::nullopt;
  std::optional<bool> pixel_averaged = std::nullopt;
  bool sky_set = false;  // SkySetReader reads the rest
};

/// Convergence maps in a file that somebody else wrote, or tessera. One process reads them, each map whole.
class ForeignMaps {
 public:
  ForeignMaps() = default;
  ForeignMaps(const ForeignMaps&) = delete;
  ForeignMaps& operator=(const ForeignMaps&) = delete;
  ForeignMaps(ForeignMaps&&) = delete;
  ForeignMaps& operator=(ForeignMaps&&) = delete;
  virtual ~ForeignMaps() = default;

  [[nodiscard]] virtual const MapFacts& facts() const = 0;

  /// Map `index`, [ny][nx], row 0 in the South and column 0 in the East if the file says where they are, else
  /// in the order of the file.
  [[nodiscard]] virtual std::vector<double> read(std::uint64_t index) const = 0;
};

/// Opens a file of maps. What it is shows in its content, not its name:
///   FITS: the first image of 2 or 3 axes; the pixel and the way the axes run from the WCS if it is
///   celestial; NPY: float32 or float64, [ny][nx] or [maps][ny][nx]; HDF5: a set of skies; a map file of
///   tessera; kappaTNG; or any dataset of 2 or 3 axes; kappaTNG's older binary maps.
/// Error with the file's name if it is something else, truncated or not the choice's.
[[nodiscard]] std::unique_ptr<ForeignMaps> open_foreign_maps(const std::string& path,
                                                             const MapChoice& choice);

/// Weights of kappaTNG's 40 source planes for sources of the given redshifts, with kappa linear in redshift
/// between the planes, zero at redshift 0 and constant behind the last plane.
[[nodiscard]] std::vector<double> kappa_tng_weights(const RedshiftTable& sources);

}  // namespace tessera::io
