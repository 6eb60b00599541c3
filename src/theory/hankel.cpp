#include "theory/hankel.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/gsl_fft_complex.h>
#include <gsl/gsl_sf_gamma.h>
#include <numbers>

#include "core/error.hpp"
#include "theory/interpolate.hpp"

namespace tessera::theory {
namespace {

using Complex = std::complex<double>;

Complex log_gamma(Complex z) {
  gsl_sf_result modulus{}, argument{};
  gsl_sf_lngamma_complex_e(z.real(), z.imag(), &modulus, &argument);
  return {modulus.val, argument.val};
}

}  // namespace

HankelTransform::HankelTransform(double ell_min, double ell_max, std::size_t n)
    : ell_(logarithmic_grid(ell_min, ell_max, n)), kernel_(n) {
  TESSERA_REQUIRE((n & (n - 1)) == 0);
  for (std::size_t i = 0; i < n; ++i) theta_.push_back(1.0 / ell_[n - 1 - i]);
  // With f(x) x = sum_m c_m x^u and u = i w_m:
  //     int dx x^u J0(x y) = y^(-1 - u) 2^u Gamma((1 + u) / 2) / Gamma((1 - u) / 2).
  const double period = std::log(ell_max / ell_min) * static_cast<double>(n) / static_cast<double>(n - 1);
  for (std::size_t m = 0; m < n; ++m) {
    const double index =
        m <= n / 2 ? static_cast<double>(m) : static_cast<double>(m) - static_cast<double>(n);
    const double w = 2.0 * std::numbers::pi * index / period;
    const Complex u(0.0, w);
    const Complex gamma = log_gamma(0.5 * (1.0 + u)) - log_gamma(0.5 * (1.0 - u));
    // y = 1 / x in reverse order: the phase of x_0 y_(n-1) = 1 is nil.
    kernel_[m] = std::exp(gamma + u * std::numbers::ln2);
    if (m == n / 2) kernel_[m] = kernel_[m].real();
  }
}

std::vector<double> HankelTransform::transform(std::span<const double> x, std::span<const double> f) const {
  const std::size_t n = kernel_.size();
  TESSERA_REQUIRE(f.size() == n);
  std::vector<Complex> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = x[i] * f[i];
  auto* const packed = reinterpret_cast<double*>(values.data());
  gsl_fft_complex_radix2_forward(packed, 1, n);
  for (std::size_t m = 0; m < n; ++m) values[m] *= kernel_[m];
  gsl_fft_complex_radix2_inverse(packed, 1, n);
  // values[i] belongs to y = 1 / x_i.
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[n - 1 - i] = values[i].real() * x[i];
  return result;
}

std::vector<double> HankelTransform::correlation(std::span<const double> c_ell) const {
  std::vector<double> xi = transform(ell_, c_ell);
  for (double& value : xi) value /= 2.0 * std::numbers::pi;
  return xi;
}

std::vector<double> HankelTransform::power(std::span<const double> xi) const {
  std::vector<double> c_ell = transform(theta_, xi);
  for (double& value : c_ell) value *= 2.0 * std::numbers::pi;
  return c_ell;
}

}  // namespace tessera::theory
