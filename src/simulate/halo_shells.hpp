#pragma once

#include <array>
#include <vector>

#include "theory/halo_model.hpp"
#include "theory/hankel.hpp"
#include "theory/lensing.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::simulate {

/// Matter and haloes follow powers x^b of one lognormal field x in each shell, normalised to mean 1; these
/// are the powers. A bias between two of them is a mixture of both.
inline constexpr std::array<double, 4> bias_nodes{0.5, 1.0, 2.0, 4.0};
using NodeShares = std::array<double, bias_nodes.size()>;

/// What haloes are like beyond their mean spherical profile.
struct HaloShapes {
  double axis_ratio = 0.75;          // mean of the projected axis ratio; 1: round
  double axis_ratio_scatter = 0.12;  // its standard deviation; axis ratios stay within 0.3 and 1
  double subhaloes = 0.0;            // part of the mass of well resolved haloes that is in subhaloes
  double core = 0.0;                 // part of the mass of resolved haloes in a baryonic core
};

/// Radius in pixels above which a halo is painted by itself, and above which it has subhaloes.
inline constexpr double painted_radius = 2.5, substructured_radius = 6.0;

/// Radius of the core over that of its halo.
inline constexpr double core_radius = 0.02;

/// Masses x of subhaloes over their host's: dN/dx ~ x^-(1 + slope) (Gao et al. 2004), tidally cut to `tidal`
/// times the radius of a free halo.
struct Subhaloes {
  static constexpr double low = 1e-3, high = 0.1, slope = 0.9, tidal = 0.5;
  /// Integrals of x^-(1 + slope) x^power over the masses.
  [[nodiscard]] static double moment(int power);
};

/// A shell of the line of sight. Per unit of projected overdensity its convergence is `weight`.
struct Shell {
  double z;
  double distance;        // comoving, Mpc/h
  double thickness;       // Mpc/h
  double weight;          // int W dchi
  double mass_to_kappa;   // kappa times steradian of one Msun/h in this shell
  double halo_fraction;   // part of the matter in haloes
  NodeShares smooth;      // part of the matter that is smooth and follows x^b
  NodeShares halo_count;  // haloes per steradian that follow x^b
  theory::HaloPopulation haloes;
  std::array<std::vector<double>, bias_nodes.size()>
      cumulative;                   // of the haloes of a node, over their masses
  std::vector<double> field_power;  // C_ell of g = ln x at HaloShells::ell(), steradian

  /// A halo of a node: `u`, uniform in (0, 1), gives its mass, and the mass its radius and mean
  /// concentration.
  struct Halo {
    double mass, radius, concentration;  // Msun/h; Mpc/h, comoving
  };
  [[nodiscard]] Halo halo(std::size_t node, double u) const;
};

/// The halo model of a convergence sky with a requested power spectrum (Cooray & Sheth 2002 in its terms;
/// lognormal fields as in Xavier et al. 2016). In each shell, with weight w and mean halo density n(M),
///     kappa = w [ sum_b s_b (x^b / <x^b> - 1) + haloes - their mean ],
///     haloes: a Poisson process with rate n(M) x^b(M) / <x^b>, profiles of Navarro, Frenk & White.
/// The spectrum of g = ln x follows from the request: of the power of the shell, what haloes make by
/// themselves is taken off, and the correlation of the rest, sum_ab A_a A_b (exp(b_a b_b xi_g) - 1), is
/// solved for xi_g. Where haloes alone make more than is requested, a transfer function near 1 takes off the
/// rest.
class HaloShells {
 public:
  /// c_ell: the requested convergence spectrum. pixel: side in radians; g is cut off at its Nyquist
  /// frequency.
  HaloShells(const theory::MatterPower& power, const theory::LensingKernel& kernel,
             const theory::HaloOptions& options, const HaloShapes& shapes, const theory::PowerSpectrum& c_ell,
             double pixel);

  [[nodiscard]] const std::vector<Shell>& shells() const { return shells_; }
  [[nodiscard]] const theory::HaloOptions& options() const { return options_; }
  [[nodiscard]] const HaloShapes& shapes() const { return shapes_; }
  [[nodiscard]] const std::vector<double>& ell() const { return hankel_.ell(); }

  /// Factor on the modes of the sum of all shells that gives it the requested power, at ell().
  [[nodiscard]] const std::vector<double>& transfer() const { return transfer_; }

 private:
  [[nodiscard]] Shell make_shell(const theory::MatterPower& power, const theory::LensingKernel& kernel,
                                 double near, double far) const;
  /// Averages over the concentrations of haloes of mass number i: the profile's transform and its square, at
  /// ln of the comoving wavenumber.
  struct Profile {
    double first, second;
  };
  [[nodiscard]] Profile profile(const Shell& shell, std::size_t i, double ln_k) const;
  /// Power of single haloes, and the part of the matter that follows each node, at ell().
  struct Terms {
    std::vector<double> one_halo;
    std::array<std::vector<double>, bias_nodes.size()> amplitude;
  };
  [[nodiscard]] Terms terms(const Shell& shell, double matter_density) const;
  [[nodiscard]] std::vector<double> correlation(const std::vector<double>& c_ell) const;
  [[nodiscard]] std::vector<double> two_halo(const Terms& terms, const std::vector<double>& xi) const;
  void solve(Shell& shell, const Terms& terms, const std::vector<double>& target) const;

  theory::HaloOptions options_;
  HaloShapes shapes_;
  double pixel_;
  theory::HankelTransform hankel_;
  std::vector<Shell> shells_;
  std::vector<double> transfer_;
};

}  // namespace tessera::simulate
