#pragma once

#include <optional>

#include "catalogue/shear_catalogue.hpp"
#include "config/options.hpp"
#include "harmonic/plane_basis.hpp"
#include "sky/plane_grid.hpp"
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

/// The field as asked for; what is not given is taken from the galaxies.
struct FieldSettings {
  std::optional<SkyPosition> center;
  std::optional<GridSize> size;
  double pixel_arcmin;
  double padding;

  /// Checks every option of field_options().
  explicit FieldSettings(const config::Values& values);
};

/// Collective.
[[nodiscard]] PlaneGrid choose_field(const mpi::Communicator& comm, const FieldSettings& settings,
                                     const catalogue::ShearCatalogue& galaxies);

/// Error unless each rank has `doubles_per_pixel` doubles for each of its pixels of the box. Collective.
void require_box_memory(const mpi::Communicator& comm, PaddedBox box, double doubles_per_pixel);

/// Checks what can be said of the spectrum's options before it is read.
void require_spectrum(const config::Values& values);

/// Reads the spectrum and checks it against the modes of the box. On every rank alike.
[[nodiscard]] theory::PowerSpectrum spectrum_for(const config::Values& values, PaddedBox box,
                                                 double pixel_radians);

}  // namespace tessera::apps
