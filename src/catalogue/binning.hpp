#pragma once

#include <optional>
#include <vector>

#include "catalogue/shear_catalogue.hpp"
#include "sky/sky_pixels.hpp"

namespace tessera::catalogue {

/// Shear and noise on this rank's pixels in their order, zero where there is no galaxy. Shear is in the frame
/// of the pixels: x = West, y = North at the field's centre on the plane, at each pixel's on the sphere.
struct ShearMaps {
  /// Weighted mean ellipticity over mean response: sum w (e - c) / sum w (1 + m) (Van Waerbeke et al. 2013).
  std::vector<double> gamma1, gamma2;
  /// Standard deviation of gamma1 and of gamma2: sigma_e sqrt(sum w^2) / sum w (1 + m); 0 without galaxies.
  std::vector<double> noise_sigma;
  std::vector<double> count;
  std::vector<double> weight;
  /// Ellipticity dispersion per component: given, or sqrt(sum w |e - c|^2 / (2 sum w)) of the binned
  /// galaxies.
  double sigma_e = 0.0;
  bool sigma_e_measured = false;
  RowCounts counts;
};

/// Bins the galaxies: each goes to the rank that owns its pixel, where they are added in the order of the
/// catalogue, so the bits do not depend on the rank count. Error if no galaxy falls on the pixels, or the
/// dispersion or a pixel's response is not positive. Collective. pixels: dealt to the ranks of comm.
[[nodiscard]] ShearMaps bin_galaxies(const mpi::Communicator& comm, const ShearCatalogue& catalogue,
                                     const SkyPixels& pixels, std::optional<double> sigma_e);

}  // namespace tessera::catalogue
