#include "theory/cosmology.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "theory/interpolate.hpp"

namespace tessera::theory {
namespace {

constexpr double max_redshift = 20.0;
constexpr int steps = 2000;                         // trapezoids: distances to 1e-6
constexpr double critical_density = 2.77536627e11;  // Msun/h per (Mpc/h)^3

void require_range(const char* name, double value, double min, double max) {
  if (!(value >= min && value <= max))
    fail("{} = {} is outside {} to {}, where the formulae for the growth of structure hold", name, value, min,
         max);
}

}  // namespace

void Cosmology::require_valid() const {
  require_range("Omega_m", omega_m, 0.1, 0.6);
  require_range("Omega_b", omega_b, 0.01, 0.1);
  require_range("h", h, 0.4, 1.0);
  require_range("sigma8", sigma8, 0.3, 1.5);
  require_range("n_s", n_s, 0.7, 1.3);
  if (omega_b >= omega_m) fail("Omega_b = {} must be less than Omega_m = {}", omega_b, omega_m);
}

Background::Background(const Cosmology& cosmology) : cosmology_(cosmology) {
  cosmology.require_valid();
  // Steps of equal size in ln(1 + z).
  const double step = std::log1p(max_redshift) / steps;
  z_.resize(steps + 1);
  distance_.resize(steps + 1);
  growth_.resize(steps + 1);
  for (std::size_t i = 0; i < z_.size(); ++i) z_[i] = std::expm1(step * static_cast<double>(i));
  const auto path = [&](double z) { return hubble_radius * (1.0 + z) / expansion(z); };
  for (std::size_t i = 1; i < z_.size(); ++i)
    distance_[i] = distance_[i - 1] + 0.5 * step * (path(z_[i - 1]) + path(z_[i]));
  // D ~ H(z) int_z^inf (1 + z) / H^3 dz (Heath 1977); beyond the table matter alone.
  const auto rate = [&](double z) { return std::pow((1.0 + z) / expansion(z), 2) / expansion(z); };
  double integral = 0.4 * std::pow(cosmology.omega_m, -1.5) * std::pow(1.0 + max_redshift, -2.5);
  growth_.back() = expansion(max_redshift) * integral;
  for (std::size_t i = z_.size() - 1; i-- > 0;) {
    integral += 0.5 * step * (rate(z_[i]) + rate(z_[i + 1]));
    growth_[i] = expansion(z_[i]) * integral;
  }
  const double today = growth_.front();
  for (double& value : growth_) value /= today;
}

double Background::expansion(double z) const {
  return std::sqrt(cosmology_.omega_m * std::pow(1.0 + z, 3) + 1.0 - cosmology_.omega_m);
}

double Background::omega_m(double z) const {
  return cosmology_.omega_m * std::pow(1.0 + z, 3) / std::pow(expansion(z), 2);
}

double Background::distance(double z) const { return interpolate(z_, distance_, z); }
double Background::redshift(double distance) const { return interpolate(distance_, z_, distance); }
double Background::growth(double z) const { return interpolate(z_, growth_, z); }
double Background::matter_density() const { return critical_density * cosmology_.omega_m; }

}  // namespace tessera::theory
