#pragma once

#include <optional>

#include "catalogue/shear_catalogue.hpp"
#include "sky/plane_grid.hpp"

namespace tessera::catalogue {

/// The median right ascension and declination of the galaxies (the lower of two middle values): the centre of
/// a field that is not given. Right ascensions may straddle 0. The same for any number of ranks. Collective.
[[nodiscard]] SkyPosition median_position(const mpi::Communicator& comm, const ShearCatalogue& catalogue);

/// The smallest square-pixel grid about `centre` that holds every galaxy. Error if one lies 80 degrees or
/// more from the centre: such a field does not fit on a plane. Collective.
[[nodiscard]] PlaneGrid covering_grid(const mpi::Communicator& comm, const ShearCatalogue& catalogue,
                                      SkyPosition centre, double pixel_arcmin);

}  // namespace tessera::catalogue
