#pragma once

#include <optional>

#include "config/options.hpp"
#include "simulate/sky_maker.hpp"

namespace tessera::apps {

/// Options of what simulated skies are drawn from, shared by the commands that simulate.
[[nodiscard]] std::vector<config::Group> sky_options();

/// Checks every option of sky_options() but files.
[[nodiscard]] simulate::SkyPrior sky_prior(const config::Values& values);

/// The redshifts of --nz, if given. On every rank alike.
[[nodiscard]] std::optional<theory::SourceDistribution> sources(const config::Values& values);

}  // namespace tessera::apps
