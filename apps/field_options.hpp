#pragma once

#include <optional>

#include "catalogue/shear_catalogue.hpp"
#include "config/options.hpp"
#include "harmonic/plane_basis.hpp"
#include "survey/survey_sky.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

/// Options of the pixel grid and of the theory spectrum, shared by the commands that make maps.
[[nodiscard]] std::vector<config::Option> field_options();
[[nodiscard]] std::vector<config::Option> spectrum_options();

struct GridSize {
  std::uint64_t nx;
  std::uint64_t ny;
};

/// The value of --npix.
[[nodiscard]] GridSize grid_size(const config::Values& values);

/// --nside, a power of two.
[[nodiscard]] std::uint64_t sphere_nside(const config::Values& values);

/// The field as asked for; what is not given is taken from the galaxies.
struct FieldSettings {
  std::optional<SkyPosition> center;
  std::optional<GridSize> size;
  double pixel_arcmin;
  double padding;
  std::uint64_t nside = 0;  // 0 on the plane
  std::uint64_t lmax = 0;

  [[nodiscard]] bool on_sphere() const { return nside > 0; }

  /// Checks every option of field_options().
  explicit FieldSettings(const config::Values& values);
};

/// Collective.
[[nodiscard]] PlaneGrid choose_field(const mpi::Communicator& comm, const FieldSettings& settings,
                                     const catalogue::ShearCatalogue& galaxies);

/// A field of the plane and its box; what is not given is taken from the galaxies. Collective.
struct PlaneField {
  PlaneGrid grid;
  PaddedBox box;
};

/// Error unless each rank has, for each of its pixels of the sphere, `doubles_per_pixel` doubles, and so many
/// vectors of modes. least_blocks: see RingDistribution. Collective.
void require_sphere_memory(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
                           double doubles_per_pixel, double mode_vectors, std::uint64_t least_blocks = 0);

/// Error unless each rank has `doubles_per_pixel` doubles for each of its pixels of the box. Collective.
void require_box_memory(const mpi::Communicator& comm, PaddedBox box, double doubles_per_pixel);

/// Checks what can be said of the spectrum's options before it is read.
void require_spectrum(const config::Values& values);

/// Reads the spectrum and checks it against the multipoles of the maps. On every rank alike.
[[nodiscard]] theory::PowerSpectrum spectrum_for(const config::Values& values, harmonic::EllRange range);
/// Of a box.
[[nodiscard]] theory::PowerSpectrum spectrum_for(const config::Values& values, PaddedBox box,
                                                 double pixel_radians);

}  // namespace tessera::apps
