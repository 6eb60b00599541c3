#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/field_options.hpp"
#include "apps/point_estimates.hpp"
#include "apps/posterior_maps.hpp"
#include "inference/conjugate_gradient.hpp"

namespace tessera::apps {

[[nodiscard]] config::Command map_command();

/// The model of --model's default, looked for by find_data: of COSMOS's pixels on the plane, of DES's on the
/// sphere.
[[nodiscard]] const char* default_model(bool on_sphere);

/// Whether a command line of `map` asks for networks, as far as can be said before it is run.
[[nodiscard]] bool wants_networks(const config::Values& values);

/// The options that steer the computation, checked.
struct MapSettings {
  FieldSettings field;
  bool kaiser_squires = false;
  bool wiener = false;
  bool deepmass = false;
  PointSettings points;
  std::optional<SamplerSettings> sampler;      // if a prior beyond the Gaussian one is asked for
  std::optional<PosteriorSettings> posterior;  // if samples are
  bool tile_wiener = false;
  std::uint64_t margin = 0;  // pixels
  bool automatic = false;    // methods not given: DeepMass only where it can be
  bool outside_card = false;
  std::string model;
  std::string device;  // of networks
  std::uint64_t tile = 0;
  std::uint64_t ring_blocks = 0;  // at least; 0: as the ranks have it
  double smoothing = 0.0;         // radians
  inference::CgOptions mean, draw;
  std::uint32_t samples = 0;
  bool save_samples = false;
  bool pixel_window = true;
  std::uint64_t seed = 0;
  std::optional<double> sigma_e;

  [[nodiscard]] bool needs_spectrum() const { return wiener || sampler.has_value(); }

  explicit MapSettings(const config::Values& values);

  /// The same work with few iterations, draws and samples, from which Rehearsal foresees the whole.
  [[nodiscard]] MapSettings shortened() const;
};

}  // namespace tessera::apps
