#pragma once

#include <cstdint>
#include <vector>

#include "catalogue/shear_catalogue.hpp"
#include "harmonic/plane_basis.hpp"
#include "harmonic/sphere_basis.hpp"
#include "simulate/random_field.hpp"
#include "simulate/sphere_mask.hpp"
#include "simulate/survey_mask.hpp"
#include "sky/sky_pixels.hpp"

namespace tessera::simulate {

/// Galaxies of a mock survey, this rank's share; one file's columns. Ellipticities in the catalogue's frame.
struct MockCatalogue {
  std::vector<double> ra, dec, e1, e2, weight;
};

/// How a galaxy's ellipticity follows from the sky: e = e_intrinsic + shear, with the shear g = gamma / (1 -
/// kappa) (reduced) or gamma.
struct ShapeModel {
  double sigma_e = 0.3;  // of the drawn intrinsic ellipticity, per component
  bool reduced_shear = false;
};

/// Galaxies at random: a Poisson number in each pixel of the field, uniform within it, kept where the mask
/// observes, with Gaussian intrinsic ellipticities and unit weights. Each takes the shear of its pixel.
/// `density`: per arcmin^2. The catalogue is in the order of the pixels, the same for any number of ranks.
[[nodiscard]] MockCatalogue draw_galaxies(const harmonic::PlaneBasis& basis, const PlaneGrid& field,
                                          const Sky& sky, const SurveyMask& mask, double density,
                                          const ShapeModel& shapes, std::uint64_t seed);

/// The same on the sphere, in the storage order of its pixels.
[[nodiscard]] MockCatalogue draw_galaxies(const harmonic::SphereBasis& basis, const Sky& sky,
                                          const SphereMask& mask, double density, const ShapeModel& shapes,
                                          std::uint64_t seed);

/// The galaxies of a real catalogue with positions and weights kept and ellipticities turned by random
/// angles, so that no real shear is left but the real noise is. Galaxies that no pixel holds are left out.
/// Collective.
[[nodiscard]] MockCatalogue turn_galaxies(const mpi::Communicator& comm, const SkyPixels& pixels,
                                          const Sky& sky, const catalogue::ShearCatalogue& galaxies,
                                          const ShapeModel& shapes, std::uint64_t seed);

}  // namespace tessera::simulate
