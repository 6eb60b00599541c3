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
  /// c_ell: the requested convergence spectrum. ell_max: highest multipole of the maps, where g is cut off.
  HaloShells(const theory::MatterPower& power, const theory::LensingKernel& kernel,
             const theory::HaloOptions& options, const theory::PowerSpectrum& c_ell, double ell_max);

  [[nodiscard]] const std::vector<Shell>& shells() const { return shells_; }
  [[nodiscard]] const std::vector<double>& ell() const { return hankel_.ell(); }

  /// Factor on the modes of the sum of all shells that gives it the requested power, at ell().
  [[nodiscard]] const std::vector<double>& transfer() const { return transfer_; }

 private:
  [[nodiscard]] Shell make_shell(const theory::MatterPower& power, const theory::LensingKernel& kernel,
                                 const theory::HaloOptions& options, double near, double far) const;
  /// Power of single haloes, and the part of the matter that follows each node, at ell().
  struct Terms {
    std::vector<double> one_halo;
    std::array<std::vector<double>, bias_nodes.size()> amplitude;
  };
  [[nodiscard]] Terms terms(const Shell& shell, double scatter, double matter_density) const;
  [[nodiscard]] std::vector<double> correlation(const std::vector<double>& c_ell) const;
  [[nodiscard]] std::vector<double> two_halo(const Terms& terms, const std::vector<double>& xi) const;
  void solve(Shell& shell, const Terms& terms, const std::vector<double>& target, double ell_max) const;

  theory::HankelTransform hankel_;
  std::vector<Shell> shells_;
  std::vector<double> transfer_;
};

}  // namespace tessera::simulate
