#pragma once

#include <vector>

#include "theory/cosmology.hpp"

namespace tessera::theory {

/// The matter power spectrum P(k, z): k in h/Mpc, P in (Mpc/h)^3. Linear by the fitting formula of Eisenstein
/// & Hu (1998) with baryon oscillations, normalised to sigma8; non-linear by halofit with the coefficients of
/// Takahashi et al. (2012). Accurate to some 5 %: for shapes and for responses to parameters; absolute power
/// comes from the user's spectrum.
class MatterPower {
 public:
  explicit MatterPower(const Cosmology& cosmology);

  [[nodiscard]] const Background& background() const { return background_; }

  [[nodiscard]] double linear(double k) const;  // today
  [[nodiscard]] double nonlinear(double k, double z) const;

  /// Root mean square of the linear overdensity today in spheres that hold `mass` (Msun/h) on average.
  [[nodiscard]] double sigma(double mass) const;

  /// d ln sigma / d ln mass.
  [[nodiscard]] double sigma_slope(double mass) const;

 private:
  /// Halofit's description of a redshift: non-linear wavenumber, effective slope, curvature, coefficients.
  struct Halofit {
    double k_sigma, a, b, c, gamma, alpha, beta, nu, f1, f2, f3;
  };
  [[nodiscard]] double transfer(double k) const;
  [[nodiscard]] double variance(double radius, double growth2, double* slope, double* curvature) const;
  [[nodiscard]] Halofit halofit(double z) const;
  void tabulate_sigma();

  Background background_;
  double normalisation_ = 1.0;
  std::vector<double> ln_k_, ln_p_;
  std::vector<double> ln_mass_, ln_sigma_;
  std::vector<double> redshift_;
  std::vector<Halofit> halofit_;  // at redshift_
};

}  // namespace tessera::theory
