#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace tessera::theory {

/// Angular power spectrum to correlation function and back on the flat sky,
///     xi(theta) = int ell dell / (2 pi) C(ell) J0(ell theta),   C(ell) = 2 pi int theta dtheta xi(theta) J0,
/// on logarithmic grids by FFTLog (Talman 1978; Hamilton 2000). theta[i] = 1 / ell[n - 1 - i]. Functions
/// should fall off towards both ends of the grid: it is taken to repeat.
class HankelTransform {
 public:
  /// n: a power of two.
  HankelTransform(double ell_min, double ell_max, std::size_t n);

  [[nodiscard]] const std::vector<double>& ell() const { return ell_; }
  [[nodiscard]] const std::vector<double>& theta() const { return theta_; }  // radian

  [[nodiscard]] std::vector<double> correlation(std::span<const double> c_ell) const;
  [[nodiscard]] std::vector<double> power(std::span<const double> xi) const;

 private:
  /// int x dx f(x) J0(x y) at y = 1 / x in reverse order.
  [[nodiscard]] std::vector<double> transform(std::span<const double> x, std::span<const double> f) const;

  std::vector<double> ell_, theta_;
  std::vector<std::complex<double>> kernel_;
};

}  // namespace tessera::theory
