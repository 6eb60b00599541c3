#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "mpi/communicator.hpp"

namespace tessera::harmonic {

using Complex = std::complex<double>;
using Modes = std::span<Complex>;
using ConstModes = std::span<const Complex>;
using Pixels = std::span<double>;
using ConstPixels = std::span<const double>;

/// Smallest non-zero and largest multipole, radians^-1: what a spectrum must cover.
struct EllRange {
  double min;
  double max;
};

/// A sky with its harmonic transform, distributed over ranks; the plane and the sphere implement it.
///
/// A real field f has coefficients a_k on functions that are orthonormal over the sky's area:
///     f(theta) = sum_k a_k Y_k(theta),   <|a_k|^2> = C_ell   for a statistically isotropic field,
/// so a_k has the units of f times a radian, on the plane as on the sphere. A rank stores mode_count()
/// coefficients and pixel_count() pixels of its own, which may be none. Of two coefficients that are
/// bound by the reality of f some are stored once; dot() counts them twice.
///
/// The transforms are collective and const: they use plans and buffers made once at construction, so one
/// basis must not be used by two threads at a time. Inputs and outputs must not overlap.
class HarmonicBasis {
 public:
  HarmonicBasis() = default;
  HarmonicBasis(const HarmonicBasis&) = delete;
  HarmonicBasis& operator=(const HarmonicBasis&) = delete;
  HarmonicBasis(HarmonicBasis&&) = delete;
  HarmonicBasis& operator=(HarmonicBasis&&) = delete;
  virtual ~HarmonicBasis() = default;

  [[nodiscard]] virtual const mpi::Communicator& comm() const = 0;

  [[nodiscard]] virtual std::size_t mode_count() const = 0;
  [[nodiscard]] virtual std::size_t pixel_count() const = 0;

  /// Whether every map is the synthesis of some coefficients (the plane); on the sphere maps have finer
  /// structure than lmax.
  [[nodiscard]] virtual bool complete() const = 0;

  /// Index of this rank's first pixel in the order over all ranks, and the pixel count over all ranks.
  [[nodiscard]] virtual std::uint64_t first_pixel() const = 0;
  [[nodiscard]] virtual std::uint64_t total_pixels() const = 0;

  /// Multipole of every local mode, radians^-1.
  [[nodiscard]] virtual std::span<const double> ell() const = 0;

  /// Window of the pixels for every local mode: the factor by which averaging over a pixel damps the mode.
  [[nodiscard]] virtual std::span<const double> pixel_window() const = 0;

  /// Area of a pixel, steradian.
  [[nodiscard]] virtual double pixel_area() const = 0;

  /// A basis of the same pixels that has only the modes below `ell` (on the sphere up to l = 2 at least), in
  /// the same order, where its transforms cost less; null where they would not, as on the plane. Collective.
  [[nodiscard]] virtual std::unique_ptr<HarmonicBasis> truncated(double ell) const = 0;

  /// Field from its coefficients: f = Y a.
  virtual void synthesis(ConstModes modes, Pixels field) const = 0;

  /// Y^T: dot(synthesis_adjoint(f), a) = dot(f, synthesis(a)). Times pixel_area() it is the analysis, f -> a.
  virtual void synthesis_adjoint(ConstPixels field, Modes modes) const = 0;

  /// Shear from convergence (Kaiser & Squires 1993): spin 2, gamma = P kappa, in the frame of the map.
  /// e_modes: of kappa; b_modes: of the curl part, empty for none. The mean (ell = 0) has no shear.
  virtual void shear_synthesis(ConstModes e_modes, ConstModes b_modes, Pixels gamma1,
                               Pixels gamma2) const = 0;

  /// Shear over convergence in a mode: 1 on the plane; sqrt((l - 1)(l + 2) / (l (l + 1))) on the sphere; 0
  /// where convergence has no shear.
  [[nodiscard]] virtual double shear_factor(double ell) const = 0;

  /// Transpose of shear_synthesis; b_modes may be empty if not wanted.
  virtual void shear_synthesis_adjoint(ConstPixels gamma1, ConstPixels gamma2, Modes e_modes,
                                       Modes b_modes) const = 0;

  /// Inner products over all ranks. Collective; the bits do not depend on the rank count.
  [[nodiscard]] virtual double dot(ConstModes a, ConstModes b) const = 0;
  [[nodiscard]] virtual double dot(ConstPixels f, ConstPixels g) const = 0;

  /// White noise of unit variance: <|a_k|^2> = 1. Belongs to the mode, whoever owns it.
  virtual void white_noise(const RandomStream& stream, Modes modes) const = 0;

  /// White noise of unit variance per pixel.
  virtual void white_noise(const RandomStream& stream, Pixels field) const = 0;

  /// Power of every mode of the isotropic field whose correlation function is f(xi), xi being that of a field
  /// with this power, [mode_count]. f(0) should be 0. Collective.
  [[nodiscard]] virtual std::vector<double> transformed_correlation(
      std::span<const double> power, const std::function<double(double)>& f) const = 0;
};

}  // namespace tessera::harmonic
