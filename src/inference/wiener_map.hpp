#pragma once

#include <span>
#include <vector>

#include "inference/gaussian_posterior.hpp"

namespace tessera::inference {

/// Inverse variance of both shear components, [2][pixel], from the standard deviation of the noise of one (0:
/// no data).
[[nodiscard]] std::vector<double> shear_information(std::span<const double> noise_sigma);

/// The noise's variance of both components, [2][pixel], 0 without data; and the data, [gamma1,
/// gamma2][pixel].
[[nodiscard]] std::vector<double> shear_variance(std::span<const double> noise_sigma);
[[nodiscard]] std::vector<double> shear_data(ConstPixels gamma1, ConstPixels gamma2);

struct WienerMap {
  std::vector<double> kappa;  // this rank's pixels
  CgReport report;
};

/// Mean of a shear posterior (one component) given binned shear, as a map. Collective.
[[nodiscard]] WienerMap wiener_map(const HarmonicBasis& basis, const GaussianPosterior& posterior,
                                   ConstPixels gamma1, ConstPixels gamma2, const CgOptions& options,
                                   const std::function<void(double)>& observe = {});

}  // namespace tessera::inference
