#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "simulate/halo_painter.hpp"
#include "simulate/halo_shells.hpp"

namespace tessera::simulate {

/// Draws convergence skies of a halo model on the pixels of a plane. Haloes that pixels resolve are painted
/// one by one; the many small ones are counted per pixel in classes of equal size, and each class's map is
/// convolved with its profile, so that their cost does not depend on their number.
class HaloSkies {
 public:
  /// Skies of one seed that have random numbers of their own.
  static constexpr std::uint64_t max_realisations = 1U << 18U;

  /// Sizes that small haloes are sorted into.
  static constexpr std::size_t size_classes = 14;

  /// basis and shells must outlive this object; the shells' pixel must be that of the basis.
  HaloSkies(const harmonic::PlaneBasis& basis, const HaloShells& shells);

  /// A convergence map, this rank's pixels, averaged over each pixel; its mean over realisations is 0. With
  /// `pixel_averaged` false the window of the pixels is divided out again (up to their Nyquist frequency).
  /// realisation < max_realisations. Collective; the bits do not depend on the rank count.
  [[nodiscard]] std::vector<double> kappa(std::uint64_t seed, std::uint32_t realisation,
                                          bool pixel_averaged = true) const;

 private:
  struct SmallHalo {
    std::uint32_t pixel;  // local
    float kappa;          // in pixels
  };
  using SmallHaloes = std::array<std::deque<SmallHalo>, size_classes>;  // grow without copying
  /// A halo as drawn, before it is sorted to the small or the painted ones.
  struct Drawn {
    double mass, radius, concentration, kappa;  // radius and kappa in pixels
  };

  /// g of a shell on the pixels.
  [[nodiscard]] std::vector<double> shell_field(std::size_t shell, std::uint64_t seed,
                                                std::uint32_t stream) const;
  /// Adds a shell's smooth matter and resolved haloes to the maps, and its small haloes to the lists.
  void add_shell(std::size_t shell, std::uint64_t seed, std::uint32_t stream, std::vector<double>& smooth,
                 std::vector<double>& painted, SmallHaloes& small) const;
  void draw_haloes(std::size_t shell, std::uint64_t seed, std::uint32_t stream, std::size_t pixel,
                   const NodeShares& rates, SmallHaloes& small, std::vector<PaintedHalo>& large) const;
  [[nodiscard]] Drawn draw_halo(const Shell& shell, const NodeShares& rates, std::array<double, 2> uniforms,
                                double scatter) const;
  /// `place` and `number` tell haloes apart: the global pixel and the number within it.
  struct Identity {
    std::uint64_t key;
    std::uint64_t place;
    std::uint32_t number;
  };
  void paint_later(const Drawn& halo, const Identity& identity, const RandomStream& properties,
                   std::size_t pixel, std::vector<PaintedHalo>& large) const;
  void add_subhaloes(const Drawn& host, const PaintedHalo& painted, const Identity& identity,
                     const RandomStream& properties, std::vector<PaintedHalo>& large) const;
  [[nodiscard]] static std::size_t size_class(const Drawn& halo);
  [[nodiscard]] std::vector<double> class_profile(std::size_t size) const;
  /// Multiplies every mode by a function tabulated on the shells' grid of ell, and that of ell = 0 by `mean`.
  void multiply(harmonic::Modes modes, const std::vector<double>& table, double mean) const;

  const harmonic::PlaneBasis* basis_;
  const HaloShells* shells_;
  HaloShapes shapes_;
  HaloPainter painter_;
  std::vector<float> place_;                        // [mode]: where its ell lies on the shells' grid
  std::vector<std::vector<double>> field_root_;     // [shell][ell]: square root of the power of g
  std::vector<double> field_variance_;              // [shell], of g on the pixels
  std::vector<std::vector<double>> class_profile_;  // [class][ell]
};

}  // namespace tessera::simulate
