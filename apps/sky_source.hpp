#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "io/map_reader.hpp"
#include "io/sky_set.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

/// Error unless values are finite and no more than convergence can be: 1000, far beyond any lens or noise.
/// what: for people, where they come from. On this rank alone.
void require_convergence(std::span<const double> values, const std::string& what);

/// Convergence maps to measure: a set of skies, or one map of a map file, which is a set of one that is not
/// periodic and has no spectrum. Each rank reads on its own.
class SkySource {
 public:
  /// map: name in a map file. Error if it is neither.
  SkySource(const std::string& path, const std::string& map);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& made_by() const { return made_by_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] PaddedBox box() const { return box_; }
  [[nodiscard]] double pixel_radians() const { return pixel_arcmin_ * radians_per_arcmin; }
  [[nodiscard]] double pixel_arcmin() const { return pixel_arcmin_; }
  [[nodiscard]] bool periodic() const { return periodic_; }
  /// Whether the skies come with the spectra they were made from: finite and positive.
  [[nodiscard]] bool has_spectra() const { return has_spectra_; }

  /// Multipoles that the maps, and the spectra if any, have in common.
  [[nodiscard]] harmonic::EllRange ell_range() const;

  /// This rank's rows of a sky; Error if a pixel holds what is no convergence.
  [[nodiscard]] std::vector<double> read(std::uint64_t sky, const harmonic::PlaneBasis& basis) const;

  /// What |a_k|^2 of this rank's modes should be, with the pixel's window if pixels are means; 0 where the
  /// spectrum says nothing. Only with spectra.
  [[nodiscard]] std::vector<double> expected(std::uint64_t sky, const harmonic::PlaneBasis& basis) const;

 private:
  void open_set();
  void open_map(const std::string& map);

  std::string path_, made_by_, map_name_;
  std::uint64_t count_ = 1;
  PaddedBox box_{};
  double pixel_arcmin_ = 0.0;
  bool periodic_ = false, pixel_averaged_ = false, has_spectra_ = false;
  std::optional<io::SkySetReader> set_;
  std::optional<io::MapReader> map_;
};

}  // namespace tessera::apps
