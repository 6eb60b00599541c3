#pragma once

#include "catalogue/shear_catalogue.hpp"
#include "config/options.hpp"

namespace tessera::apps {

/// Options that say how to read a shear catalogue, shared by the commands that take one.
[[nodiscard]] config::Group catalogue_options();
[[nodiscard]] catalogue::TableLocation table_location(const config::Values& values);
[[nodiscard]] catalogue::ShearColumns shear_columns(const config::Values& values);

}  // namespace tessera::apps
