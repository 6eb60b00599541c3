#pragma once

#include <vector>

#include "harmonic/harmonic_basis.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::inference {

/// The Gaussian prior's covariance S: diagonal in harmonic space, a matrix over the components of the field
/// at each mode. Gives its lower triangular root L, S = L L^T: kappa = Y L x, and x is white where kappa is a
/// draw of the prior.
class SignalCovariance {
 public:
  /// spectra: lower triangle by rows, C_00, C_10, C_11, C_20, ... of the components. With `pixel_window` the
  /// field is the mean over each pixel, and S holds the window squared. Error if the matrix is not positive
  /// at some ell or a spectrum does not cover the basis's modes (checked on every rank for its own).
  SignalCovariance(const harmonic::HarmonicBasis& basis, const std::vector<theory::PowerSpectrum>& spectra,
                   bool pixel_window);

  /// Components without correlation, from their spectra at every local mode, [component][mode_count].
  SignalCovariance(const harmonic::HarmonicBasis& basis, std::size_t components,
                   std::span<const double> spectra);

  [[nodiscard]] std::size_t components() const { return components_; }

  /// modes = L white and its transpose, [component][mode_count]; may be the same memory.
  void apply_root(harmonic::ConstModes white, harmonic::Modes modes) const;
  void apply_root_adjoint(harmonic::ConstModes modes, harmonic::Modes white) const;

  /// Entry (row, column <= row) of L at a mode; for one component the root of the spectrum.
  [[nodiscard]] double root(std::size_t row, std::size_t column, std::size_t mode) const {
    return root_[index(row, column) * modes_ + mode];
  }

 private:
  static std::size_t index(std::size_t row, std::size_t column) { return row * (row + 1) / 2 + column; }
  void factorise(std::size_t mode, double ell);

  std::size_t components_ = 0;
  std::size_t modes_;
  std::vector<double> root_;  // [triangle][mode]
};

}  // namespace tessera::inference
