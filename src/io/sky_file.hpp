#pragma once

#include <memory>
#include <string>

#include "io/map_reader.hpp"
#include "io/sky_set.hpp"

namespace tessera::io {

/// One convergence map of a file: a sky of a set, or /maps/kappa of a file of maps (the truth of a simulated
/// survey, a reconstruction). Each rank reads on its own.
class SkyFile {
 public:
  /// number: which sky of a set. Error if it has none of that number.
  SkyFile(const std::string& path, std::uint64_t number);

  [[nodiscard]] std::uint64_t nx() const { return nx_; }
  [[nodiscard]] std::uint64_t ny() const { return ny_; }
  [[nodiscard]] double pixel_arcmin() const { return pixel_arcmin_; }
  [[nodiscard]] bool periodic() const { return periodic_; }

  /// Rows [first, first + count), [count][nx].
  [[nodiscard]] std::vector<double> read_rows(std::uint64_t first, std::uint64_t count) const;

 private:
  std::unique_ptr<SkySetReader> set_;
  std::unique_ptr<MapReader> maps_;
  std::string name_;
  std::uint64_t number_, nx_, ny_;
  double pixel_arcmin_;
  bool periodic_;
};

}  // namespace tessera::io
