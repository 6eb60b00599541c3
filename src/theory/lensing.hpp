#pragma once

#include <span>
#include <vector>

#include "theory/matter_power.hpp"

namespace tessera::theory {

/// The weight of matter along the line of sight in the convergence of sources with distribution n(z):
///     kappa(theta) = int dchi W(chi) delta(chi theta, chi),
///     W(chi) = 3/2 Omega_m (H0/c)^2 (1 + z) chi int_chi dchi' n(chi') (1 - chi / chi').
/// chi is the comoving distance in Mpc/h, W in h/Mpc.
class LensingKernel {
 public:
  /// z increasing, n the (unnormalised) number of sources per z, linear in between.
  LensingKernel(const Background& background, std::span<const double> z, std::span<const double> n);

  [[nodiscard]] double operator()(double distance) const;

  /// Distance of the farthest sources.
  [[nodiscard]] double reach() const { return distance_.back(); }

 private:
  std::vector<double> distance_, weight_;
};

/// C_ell of the convergence at each ell, by Limber's approximation (k = (ell + 1/2) / chi), steradian.
[[nodiscard]] std::vector<double> convergence_power(const MatterPower& power, const LensingKernel& kernel,
                                                    std::span<const double> ell);

}  // namespace tessera::theory
