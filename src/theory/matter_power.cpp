#include "theory/matter_power.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "theory/interpolate.hpp"

namespace tessera::theory {
namespace {

constexpr double k_min = 1e-5, k_max = 1e4;
constexpr std::size_t k_points = 1200;
constexpr double t_cmb = 2.7255;
using std::numbers::pi;

double square(double x) { return x * x; }
double sinc(double x) { return x < 1e-4 ? 1.0 - x * x / 6.0 : std::sin(x) / x; }

/// Window of a sphere in Fourier space.
double top_hat(double x) {
  return x < 1e-2 ? 1.0 - x * x / 10.0 : 3.0 * (std::sin(x) - x * std::cos(x)) / (x * x * x);
}

/// Eisenstein & Hu (1998), equation 19 and 20.
double pressureless(double q, double alpha, double beta) {
  const double c = 14.2 / alpha + 386.0 / (1.0 + 69.9 * std::pow(q, 1.08));
  const double l = std::log(std::numbers::e + 1.8 * beta * q);
  return l / (l + c * q * q);
}

}  // namespace

/// Eisenstein & Hu (1998), sections 2 and 3. Their k is in 1/Mpc.
double MatterPower::transfer(double k_h) const {
  const Cosmology& cosmology = background_.cosmology();
  const double k = k_h * cosmology.h;
  const double m = cosmology.omega_m * square(cosmology.h), b = cosmology.omega_b * square(cosmology.h);
  const double fb = b / m, fc = 1.0 - fb, theta = t_cmb / 2.7;
  const double z_eq = 2.5e4 * m * std::pow(theta, -4), k_eq = 7.46e-2 * m / square(theta);
  const double b1 = 0.313 * std::pow(m, -0.419) * (1.0 + 0.607 * std::pow(m, 0.674));
  const double b2 = 0.238 * std::pow(m, 0.223);
  const double z_drag =
      1291.0 * std::pow(m, 0.251) / (1.0 + 0.659 * std::pow(m, 0.828)) * (1.0 + b1 * std::pow(b, b2));
  const auto ratio = [&](double z) { return 31.5 * b * std::pow(theta, -4) * 1e3 / z; };
  const double r_drag = ratio(z_drag), r_eq = ratio(z_eq);
  const double s = 2.0 / (3.0 * k_eq) * std::sqrt(6.0 / r_eq) *
                   std::log((std::sqrt(1.0 + r_drag) + std::sqrt(r_drag + r_eq)) / (1.0 + std::sqrt(r_eq)));
  const double k_silk = 1.6 * std::pow(b, 0.52) * std::pow(m, 0.73) * (1.0 + std::pow(10.4 * m, -0.95));
  const double a1 = std::pow(46.9 * m, 0.670) * (1.0 + std::pow(32.1 * m, -0.532));
  const double a2 = std::pow(12.0 * m, 0.424) * (1.0 + std::pow(45.0 * m, -0.582));
  const double alpha_c = std::pow(a1, -fb) * std::pow(a2, -fb * fb * fb);
  const double bc1 = 0.944 / (1.0 + std::pow(458.0 * m, -0.708));
  const double bc2 = std::pow(0.395 * m, -0.0266);
  const double beta_c = 1.0 / (1.0 + bc1 * (std::pow(fc, bc2) - 1.0));
  const double y = (1.0 + z_eq) / (1.0 + z_drag), root = std::sqrt(1.0 + y);
  const double g = y * (-6.0 * root + (2.0 + 3.0 * y) * std::log((root + 1.0) / (root - 1.0)));
  const double alpha_b = 2.07 * k_eq * s * std::pow(1.0 + r_drag, -0.75) * g;
  const double beta_b = 0.5 + fb + (3.0 - 2.0 * fb) * std::sqrt(square(17.2 * m) + 1.0);
  const double beta_node = 8.41 * std::pow(m, 0.435);

  const double q = k / (13.41 * k_eq), ks = k * s;
  const double f = 1.0 / (1.0 + std::pow(ks / 5.4, 4));
  const double cold = f * pressureless(q, 1.0, beta_c) + (1.0 - f) * pressureless(q, alpha_c, beta_c);
  const double s_tilde = s / std::cbrt(1.0 + std::pow(beta_node / ks, 3));
  const double baryons = (pressureless(q, 1.0, 1.0) / (1.0 + square(ks / 5.2)) +
                          alpha_b / (1.0 + std::pow(beta_b / ks, 3)) * std::exp(-std::pow(k / k_silk, 1.4))) *
                         sinc(k * s_tilde);
  return fb * baryons + fc * cold;
}

MatterPower::MatterPower(const Cosmology& cosmology) : background_(cosmology) {
  for (const double k : logarithmic_grid(k_min, k_max, k_points)) {
    ln_k_.push_back(std::log(k));
    ln_p_.push_back(std::log(std::pow(k, cosmology.n_s) * square(transfer(k))));
  }
  tabulate_sigma();
  const double mass8 = 4.0 / 3.0 * pi * 512.0 * background_.matter_density();
  const double scale = cosmology.sigma8 / sigma(mass8);
  for (double& value : ln_p_) value += 2.0 * std::log(scale);
  for (double& value : ln_sigma_) value += std::log(scale);
  constexpr double max_z = 10.0;
  constexpr int slices = 80;
  for (int i = 0; i <= slices; ++i) {
    redshift_.push_back(std::expm1(std::log1p(max_z) * i / slices));
    halofit_.push_back(halofit(redshift_.back()));
  }
}

double MatterPower::linear(double k) const {
  const double x = std::log(k);
  const double step = ln_k_[1] - ln_k_[0];
  const double place = std::clamp((x - ln_k_[0]) / step, 0.0, static_cast<double>(k_points) - 1.001);
  const auto i = static_cast<std::size_t>(place);
  return std::exp(ln_p_[i] + (x - ln_k_[i]) / step * (ln_p_[i + 1] - ln_p_[i]));
}

void MatterPower::tabulate_sigma() {
  constexpr double min_mass = 1e7, max_mass = 1e17;
  constexpr std::size_t points = 200;
  const double step = ln_k_[1] - ln_k_[0];
  for (const double mass : logarithmic_grid(min_mass, max_mass, points)) {
    const double radius = std::cbrt(3.0 * mass / (4.0 * pi * background_.matter_density()));
    double sum = 0.0;
    for (std::size_t i = 0; i < ln_k_.size(); ++i) {
      const double k = std::exp(ln_k_[i]);
      sum += std::exp(ln_p_[i]) * k * k * k * square(top_hat(k * radius));
    }
    ln_mass_.push_back(std::log(mass));
    ln_sigma_.push_back(0.5 * std::log(sum * step / (2.0 * pi * pi)));
  }
}

double MatterPower::sigma(double mass) const {
  return std::exp(interpolate(ln_mass_, ln_sigma_, std::log(mass)));
}

double MatterPower::sigma_slope(double mass) const {
  constexpr double step = 0.2;
  return (std::log(sigma(mass * std::exp(step))) - std::log(sigma(mass * std::exp(-step)))) / (2.0 * step);
}

/// sigma^2 under a Gaussian window, with its first and second derivative by ln R.
double MatterPower::variance(double radius, double growth2, double* slope, double* curvature) const {
  const double step = ln_k_[1] - ln_k_[0];
  double sum = 0.0, first = 0.0, second = 0.0;
  for (std::size_t i = 0; i < ln_k_.size(); ++i) {
    const double k = std::exp(ln_k_[i]);
    const double y2 = square(k * radius);
    if (y2 > 100.0) break;
    const double term = std::exp(ln_p_[i] - y2) * k * k * k;
    sum += term;
    first += term * y2;
    second += term * y2 * (1.0 - y2);
  }
  // d ln sigma^2 / d ln R = -2 <y^2>, and its derivative.
  const double s1 = -2.0 * first / sum;
  *slope = s1;
  *curvature = -4.0 * second / sum - s1 * s1;
  return growth2 * sum * step / (2.0 * pi * pi);
}

/// Takahashi et al. (2012), appendix; Smith et al. (2003), appendix C.
MatterPower::Halofit MatterPower::halofit(double z) const {
  const double growth2 = square(background_.growth(z));
  double low = std::log(1e-4), high = std::log(1e3), slope = 0.0, curvature = 0.0;
  for (int i = 0; i < 25; ++i) {
    const double middle = 0.5 * (low + high);
    (variance(std::exp(middle), growth2, &slope, &curvature) > 1.0 ? low : high) = middle;
  }
  static_cast<void>(variance(std::exp(low), growth2, &slope, &curvature));
  const double n = -3.0 - slope, n2 = n * n, n3 = n2 * n, n4 = n3 * n, c = -curvature;
  const double m = background_.omega_m(z);  // terms of 1 + w vanish
  return {std::exp(-low),
          std::pow(10.0, 1.5222 + 2.8553 * n + 2.3706 * n2 + 0.9903 * n3 + 0.2250 * n4 - 0.6038 * c),
          std::pow(10.0, -0.5642 + 0.5864 * n + 0.5716 * n2 - 1.5474 * c),
          std::pow(10.0, 0.3698 + 2.0404 * n + 0.8161 * n2 + 0.5869 * c),
          0.1971 - 0.0843 * n + 0.8460 * c,
          std::abs(6.0835 + 1.3373 * n - 0.1959 * n2 - 5.5274 * c),
          2.0379 - 0.7354 * n + 0.3157 * n2 + 1.2490 * n3 + 0.3980 * n4 - 0.1682 * c,
          std::pow(10.0, 5.2105 + 3.6902 * n),
          std::pow(m, -0.0307),
          std::pow(m, -0.0585),
          std::pow(m, 0.0743)};
}

double MatterPower::nonlinear(double k, double z) const {
  const auto above = std::upper_bound(redshift_.begin() + 1, redshift_.end() - 1, z);
  const auto i = static_cast<std::size_t>(above - redshift_.begin());
  const double t = (z - redshift_[i - 1]) / (redshift_[i] - redshift_[i - 1]);
  const double shape = k * k * k / (2.0 * pi * pi);
  const double linear_delta = shape * linear(k) * square(background_.growth(z));
  const auto delta = [&](const Halofit& fit) {
    const double y = k / fit.k_sigma;
    const double quasi = linear_delta * std::pow(1.0 + linear_delta, fit.beta) /
                         (1.0 + fit.alpha * linear_delta) * std::exp(-y / 4.0 - y * y / 8.0);
    const double halo = fit.a * std::pow(y, 3.0 * fit.f1) /
                        (1.0 + fit.b * std::pow(y, fit.f2) + std::pow(fit.c * fit.f3 * y, 3.0 - fit.gamma));
    return quasi + halo / (1.0 + fit.nu / (y * y));
  };
  return ((1.0 - t) * delta(halofit_[i - 1]) + t * delta(halofit_[i])) / shape;
}

}  // namespace tessera::theory
