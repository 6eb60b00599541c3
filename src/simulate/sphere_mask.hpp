#pragma once

#include <cstdint>
#include <memory>

#include "io/healpix_fits.hpp"
#include "sky/angles.hpp"

namespace tessera::simulate {

/// Which directions a mock survey of the sphere observes. Any threads may ask at once.
class SphereMask {
 public:
  SphereMask() = default;
  SphereMask(const SphereMask&) = delete;
  SphereMask& operator=(const SphereMask&) = delete;
  SphereMask(SphereMask&&) = delete;
  SphereMask& operator=(SphereMask&&) = delete;
  virtual ~SphereMask() = default;

  /// sky: any right ascension, also beyond 0 to 360 degrees.
  [[nodiscard]] virtual bool observes(SkyPosition sky) const = 0;
};

/// The whole sphere.
[[nodiscard]] std::unique_ptr<SphereMask> full_sky_mask();

/// Observed where the map is above one half; not where it is NaN, nor in pixels that a partial map does not
/// hold.
[[nodiscard]] std::unique_ptr<SphereMask> healpix_mask(io::HealpixMap map);

/// After the wide survey of DES and its shape catalogue (Gatti et al. 2021): 4100 square degrees of the
/// southern sky, from the South Pole Telescope's field to Stripe 82, without the Large Magellanic Cloud. The
/// outline is always the same; the seed places the holes: many around bright stars, with radii of 2 to 12
/// arcmin, and a hundred of 0.3 to 1.2 degrees, whose numbers fall as a power law.
[[nodiscard]] std::unique_ptr<SphereMask> des_like_mask(std::uint64_t seed);

/// The whole sphere with the same holes, and a fifth of it in patches of 4 to 15 degrees that are not
/// observed: to train networks on borders of all kinds.
[[nodiscard]] std::unique_ptr<SphereMask> patchy_mask(std::uint64_t seed);

}  // namespace tessera::simulate
