#pragma once

#include <vector>

#include "theory/matter_power.hpp"

namespace tessera::theory {

enum class MassFunction { sheth_tormen, tinker };

/// How haloes are counted and what they are like.
struct HaloOptions {
  MassFunction mass_function = MassFunction::tinker;
  double min_mass = 3e11;              // Msun/h; lighter haloes are part of the smooth matter
  double max_mass = 3e15;              // Msun/h
  double concentration = 1.0;          // factor on the mean concentration at given mass and redshift
  double concentration_scatter = 0.3;  // standard deviation of ln c
};

/// Haloes at one redshift, on an increasing grid of masses (Msun/h). A halo ends where its mean density is
/// `overdensity` times the mean of matter: the virial value of Bryan & Norman (1998) for Sheth & Tormen
/// (1999), 200 for Tinker et al. (2010).
struct HaloPopulation {
  double z;
  double overdensity;
  std::vector<double> mass;           // Msun/h
  std::vector<double> number;         // dn / dln M, comoving, (h/Mpc)^3
  std::vector<double> bias;           // linear bias
  std::vector<double> radius;         // comoving, Mpc/h
  std::vector<double> concentration;  // mean of radius over scale radius: Duffy et al. (2008)

  /// Part of all matter that is in these haloes.
  [[nodiscard]] double mass_fraction(double matter_density) const;
};

[[nodiscard]] HaloPopulation halo_population(const MatterPower& power, const HaloOptions& options, double z);

/// Bryan & Norman (1998): density of a virialised halo over the mean density of matter, flat LambdaCDM.
[[nodiscard]] double virial_overdensity(double omega_m_z);

}  // namespace tessera::theory
