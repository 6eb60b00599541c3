#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "theory/halo_model.hpp"
#include "theory/interpolate.hpp"
#include "theory/lensing.hpp"

using namespace tessera;
using namespace tessera::theory;

// Reference values: pyccl 3.3.6 with eisenstein_hu, halofit and nearly no radiation (Neff = 0.001), in h
// units.
namespace {

const Cosmology reference{0.3, 0.048, 0.7, 0.81, 0.965};

}  // namespace

TEST_CASE("distances and growth agree with CCL") {
  const Background background(reference);
  CHECK(background.distance(0.5) == Approx(1322.0014).epsilon(2e-4));
  CHECK(background.distance(1.0) == Approx(2312.5548).epsilon(2e-4));
  CHECK(background.distance(2.0) == Approx(3625.5512).epsilon(4e-4));
  CHECK(background.growth(0.0) == 1.0);
  CHECK(background.growth(0.5) == Approx(0.7731929).epsilon(2e-4));
  CHECK(background.growth(2.0) == Approx(0.4215035).epsilon(2e-4));
  for (const double z : {0.01, 0.3, 1.0, 4.0})
    CHECK(background.redshift(background.distance(z)) == Approx(z));
}

TEST_CASE("linear and non-linear matter power agree with CCL") {
  const MatterPower power(reference);
  const auto growth2 = std::pow(power.background().growth(1.0), 2);
  CHECK(power.linear(0.01) == Approx(21649.2).epsilon(1e-3));
  CHECK(power.linear(0.1) == Approx(5562.46).epsilon(1e-3));
  CHECK(power.linear(1.0) == Approx(65.8617).epsilon(1e-3));
  CHECK(growth2 * power.linear(10.0) == Approx(0.0834641).epsilon(1e-3));
  CHECK(power.nonlinear(0.1, 0.0) == Approx(5633.58).epsilon(2e-3));
  CHECK(power.nonlinear(1.0, 0.0) == Approx(397.755).epsilon(2e-3));
  CHECK(power.nonlinear(1.0, 1.0) == Approx(79.9160).epsilon(2e-3));
  CHECK(power.nonlinear(10.0, 1.0) == Approx(2.45620).epsilon(2e-3));
  CHECK(power.sigma(1e12) == Approx(2.08715).epsilon(1e-3));
  CHECK(power.sigma(1e14) == Approx(0.920881).epsilon(1e-3));
}

TEST_CASE("the convergence spectrum agrees with CCL") {
  const MatterPower power(reference);
  std::vector<double> z, n;
  for (int i = 0; i < 1000; ++i) {
    z.push_back(0.005 + i * 4.995 / 999);
    n.push_back(z.back() * z.back() * std::exp(-std::pow(z.back() / 0.92, 1.5)));
  }
  const LensingKernel kernel(power.background(), z, n);
  const std::vector<double> ell{100, 300, 1000, 3000, 10000};
  const std::vector<double> expected{1.02655342e-08, 2.43838041e-09, 5.29654373e-10, 1.23898477e-10,
                                     1.54095268e-11};
  const auto c_ell = convergence_power(power, kernel, ell);
  for (std::size_t i = 0; i < ell.size(); ++i) CHECK(c_ell[i] == Approx(expected[i]).epsilon(5e-3));
}

TEST_CASE("haloes have the abundance, bias and concentration of CCL") {
  const MatterPower power(reference);
  struct Row {
    MassFunction kind;
    double z, mass, number, bias, concentration;
  };
  using enum MassFunction;
  const std::vector<Row> rows{
      {tinker, 0, 1e12, 0.00406639, 0.816254, 10.726},  {tinker, 0, 1e14, 4.47879e-05, 2.08392, 7.3862},
      {tinker, 1, 1e13, 0.000356838, 2.23595, 4.4196},  {tinker, 2, 1e14, 1.9723e-07, 11.1375, 2.4352},
      {sheth_tormen, 0, 1e13, 0.000459177, 1.15943, 0}, {sheth_tormen, 1, 1e14, 7.69612e-06, 4.29287, 0},
      {sheth_tormen, 2, 1e12, 0.00241682, 2.10031, 0}};
  for (const Row& row : rows) {
    HaloOptions options;
    options.mass_function = row.kind;
    const HaloPopulation haloes = halo_population(power, options, row.z);
    const auto at = [&](const std::vector<double>& values) {
      std::vector<double> place, logarithm;
      for (std::size_t i = 0; i < values.size(); ++i) {
        place.push_back(std::log(haloes.mass[i]));
        logarithm.push_back(std::log(values[i]));
      }
      return std::exp(interpolate(place, logarithm, std::log(row.mass)));
    };
    CHECK(at(haloes.number) == Approx(row.number).epsilon(0.02));
    CHECK(at(haloes.bias) == Approx(row.bias).epsilon(0.01));
    if (row.concentration > 0) CHECK(at(haloes.concentration) == Approx(row.concentration).epsilon(0.002));
  }
}

TEST_CASE("a halo holds its overdensity, and haloes hold most but not all matter") {
  const MatterPower power(reference);
  HaloOptions options;
  const HaloPopulation haloes = halo_population(power, options, 0.3);
  const double density = power.background().matter_density();
  for (std::size_t i = 0; i < haloes.mass.size(); i += 40)
    CHECK(haloes.mass[i] / (4.0 / 3.0 * std::numbers::pi * std::pow(haloes.radius[i], 3)) ==
          Approx(200.0 * density));
  CHECK(virial_overdensity(1.0) == Approx(18.0 * std::numbers::pi * std::numbers::pi));
  CHECK(virial_overdensity(0.3) * 0.3 == Approx(101.14).epsilon(1e-3));  // times the critical density
  options.mass_function = MassFunction::sheth_tormen;
  options.min_mass = 1e8;
  options.max_mass = 1e16;
  const double share = halo_population(power, options, 0.0).mass_fraction(density);
  CHECK(share > 0.5);
  CHECK(share < 1.0);
}

TEST_CASE("a cosmology out of range is refused") {
  Cosmology cosmology = reference;
  cosmology.sigma8 = 5.0;
  CHECK_THROWS_AS(Background(cosmology), Error);
  cosmology = reference;
  cosmology.omega_m = NAN;
  CHECK_THROWS_AS(Background(cosmology), Error);
}
