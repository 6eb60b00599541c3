#include "theory/halo_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "theory/interpolate.hpp"

namespace tessera::theory {
namespace {

constexpr double collapse = 1.686;  // linear overdensity of collapse
constexpr double tinker_overdensity = 200.0;
constexpr std::size_t mass_points = 161;

/// nu f(nu) and the bias of haloes of peak height nu = collapse / sigma.
struct Abundance {
  double multiplicity;
  double bias;
};

/// Sheth & Tormen (1999), equations 10 and 12.
Abundance sheth_tormen(double nu) {
  constexpr double a = 0.707, p = 0.3, amplitude = 0.3222;
  const double x = a * nu * nu;
  return {amplitude * std::sqrt(2.0 * x / std::numbers::pi) * (1.0 + std::pow(x, -p)) * std::exp(-0.5 * x),
          1.0 + (x - 1.0) / collapse + 2.0 * p / (collapse * (1.0 + std::pow(x, p)))};
}

/// Tinker et al. (2010), equations 6 to 12 and tables 2 and 4 for an overdensity of 200.
Abundance tinker(double nu, double z) {
  const double a = 1.0 + std::min(z, 3.0);
  const double beta = 0.589 * std::pow(a, 0.20), phi = -0.729 * std::pow(a, -0.08);
  const double eta = -0.243 * std::pow(a, 0.27), gamma = 0.864 * std::pow(a, -0.01);
  const double f = 0.368 * (1.0 + std::pow(beta * nu, -2.0 * phi)) * std::pow(nu, 2.0 * eta) *
                   std::exp(-0.5 * gamma * nu * nu);
  const double y = std::log10(tinker_overdensity), cut = std::exp(-std::pow(4.0 / y, 4));
  const double amplitude = 1.0 + 0.24 * y * cut, power = 0.44 * y - 0.88;
  const double c = 0.019 + 0.107 * y + 0.19 * cut;
  const double bias = 1.0 -
                      amplitude * std::pow(nu, power) / (std::pow(nu, power) + std::pow(collapse, power)) +
                      0.183 * std::pow(nu, 1.5) + c * std::pow(nu, 2.4);
  return {nu * f, bias};
}

/// Duffy et al. (2008), table 1, all haloes, z = 0 to 2, for either definition of the radius.
double duffy_concentration(double mass, double z, MassFunction kind) {
  constexpr double pivot = 2e12;
  const bool virial = kind == MassFunction::sheth_tormen;
  return (virial ? 7.85 : 10.14) * std::pow(mass / pivot, -0.081) * std::pow(1.0 + z, virial ? -0.71 : -1.01);
}

}  // namespace

double virial_overdensity(double omega_m_z) {
  const double x = omega_m_z - 1.0;
  return (18.0 * std::numbers::pi * std::numbers::pi + 82.0 * x - 39.0 * x * x) / omega_m_z;
}

HaloPopulation halo_population(const MatterPower& power, const HaloOptions& options, double z) {
  const Background& background = power.background();
  const double density = background.matter_density(), growth = background.growth(z);
  const bool virial = options.mass_function == MassFunction::sheth_tormen;
  HaloPopulation haloes{z,
                        virial ? virial_overdensity(background.omega_m(z)) : tinker_overdensity,
                        logarithmic_grid(options.min_mass, options.max_mass, mass_points),
                        {},
                        {},
                        {},
                        {}};
  for (const double mass : haloes.mass) {
    const double nu = collapse / (growth * power.sigma(mass));
    const Abundance abundance = virial ? sheth_tormen(nu) : tinker(nu, z);
    haloes.number.push_back(abundance.multiplicity * density / mass * -power.sigma_slope(mass));
    haloes.bias.push_back(abundance.bias);
    haloes.radius.push_back(std::cbrt(3.0 * mass / (4.0 * std::numbers::pi * haloes.overdensity * density)));
    haloes.concentration.push_back(options.concentration *
                                   duffy_concentration(mass, z, options.mass_function));
  }
  return haloes;
}

double HaloPopulation::mass_fraction(double matter_density) const {
  const double step = std::log(mass[1] / mass[0]);
  double sum = 0.0;
  for (std::size_t i = 0; i < mass.size(); ++i)
    sum += (i == 0 || i + 1 == mass.size() ? 0.5 : 1.0) * number[i] * mass[i] * step;
  return sum / matter_density;
}

}  // namespace tessera::theory
