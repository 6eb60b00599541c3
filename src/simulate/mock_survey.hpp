#pragma once

#include <cstdint>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "harmonic/sphere_basis.hpp"
#include "simulate/sky_prior.hpp"

namespace tessera::simulate {

/// On the plane full, starry, cosmos; on the sphere full, des (its outline), patchy.
enum class Footprint { full, starry, cosmos, des, patchy };

[[nodiscard]] const char* name_of(Footprint footprint);

/// From what surveys of a whole periodic box or sphere are drawn, to train networks on.
struct SurveyPrior {
  std::vector<Footprint> footprints;  // with equal chances
  Range density;                      // galaxies per arcmin^2, uniform in the logarithm
  Range sigma_e;                      // ellipticity dispersion per component
  double unevenness = 0.25;           // rms of ln density, on scales of 5 arcmin, on the sphere of 4 pixels
  double even_share = 0.3;            // part of the surveys with one noise level in every observed pixel
};

/// Binned shear of a mock survey, this rank's pixels: noise_sigma of a component, 0 where there are no
/// galaxies (then gamma = 0 as well).
struct MockSurvey {
  double density, sigma_e;
  std::vector<double> gamma1, gamma2, noise_sigma;
};

/// A survey of the sky `kappa`: footprint and depth drawn from the prior, a Poisson number of galaxies in
/// each pixel (or the mean number, for even surveys), Gaussian noise sigma_e / sqrt(galaxies). Collective;
/// the bits do not depend on the rank count.
[[nodiscard]] MockSurvey observe(const harmonic::PlaneBasis& basis, std::span<const double> kappa,
                                 const SurveyPrior& prior, std::uint64_t seed, std::uint32_t realisation);
[[nodiscard]] MockSurvey observe(const harmonic::SphereBasis& basis, std::span<const double> kappa,
                                 const SurveyPrior& prior, std::uint64_t seed, std::uint32_t realisation);

}  // namespace tessera::simulate
