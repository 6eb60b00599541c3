#pragma once

#include <vector>

namespace tessera::theory {

/// A flat LambdaCDM cosmology. Defaults after Planck 2018.
struct Cosmology {
  double omega_m = 0.31;   // matter today, over critical
  double omega_b = 0.049;  // baryons
  double h = 0.68;         // H0 / (100 km/s/Mpc)
  double sigma8 = 0.81;
  double n_s = 0.965;

  /// Error if a parameter is out of the range in which the fitting formulae hold.
  void require_valid() const;
};

/// Distances and growth of structure. Lengths are comoving, in Mpc/h.
class Background {
 public:
  explicit Background(const Cosmology& cosmology);

  [[nodiscard]] const Cosmology& cosmology() const { return cosmology_; }

  /// H(z) / H0.
  [[nodiscard]] double expansion(double z) const;
  [[nodiscard]] double omega_m(double z) const;

  /// Comoving distance and its inverse; 0 <= z <= 20.
  [[nodiscard]] double distance(double z) const;
  [[nodiscard]] double redshift(double distance) const;

  /// Linear growth factor, 1 at z = 0.
  [[nodiscard]] double growth(double z) const;

  /// Mean density of matter, comoving, Msun/h per (Mpc/h)^3.
  [[nodiscard]] double matter_density() const;

 private:
  Cosmology cosmology_;
  std::vector<double> z_, distance_, growth_;
};

/// Speed of light over H0 = 100 h km/s/Mpc, in Mpc/h.
inline constexpr double hubble_radius = 2997.92458;

}  // namespace tessera::theory
