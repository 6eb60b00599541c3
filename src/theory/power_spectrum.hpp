#pragma once

#include <string>
#include <vector>

namespace tessera::theory {

/// An angular power spectrum C_ell tabulated at increasing ell > 0 (radians^-1), interpolated linearly in
/// (ln ell, ln C_ell). For kappa-kappa spectra C_ell has the unit steradian.
class PowerSpectrum {
 public:
  /// Error if there are fewer than two rows, ell does not increase, or a value is not finite and positive.
  /// `name` stands for the table in messages. theory/spectrum_file.hpp reads files.
  PowerSpectrum(std::vector<double> ell, std::vector<double> c_ell, std::string name);

  [[nodiscard]] const std::vector<double>& ell() const { return ell_; }
  [[nodiscard]] const std::vector<double>& c_ell() const { return c_ell_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// C at ell; 0 at ell = 0, since the mean is no part of the model. ell must be 0 or inside the table.
  [[nodiscard]] double operator()(double ell) const;

  /// Error unless the table covers [min, max]: a spectrum is not extrapolated.
  void require_coverage(double min, double max) const;

 private:
  std::vector<double> ell_, c_ell_, log_ell_, log_c_;
  std::string name_;
};

}  // namespace tessera::theory
