#pragma once

#include <cmath>
#include <numbers>

#include "simulate/sky_maker.hpp"
#include "theory/interpolate.hpp"

namespace tessera::test {

inline constexpr double arcmin = std::numbers::pi / 180.0 / 60.0;

inline theory::SourceDistribution source_redshifts() {
  return theory::SourceDistribution::smail(0.92, 2.0, 1.5);
}

inline theory::Cosmology cosmology() { return {0.3, 0.048, 0.7, 0.81, 0.965}; }

/// Spectrum of the theory itself, so that haloes fit it.
inline theory::PowerSpectrum spectrum() {
  const theory::MatterPower power(cosmology());
  const auto sources = source_redshifts();
  const theory::LensingKernel kernel(power.background(), sources.z(), sources.n());
  auto ell = theory::logarithmic_grid(5.0, 1e5, 100);
  auto c_ell = theory::convergence_power(power, kernel, ell);
  return {std::move(ell), std::move(c_ell), "theory"};
}

inline simulate::HaloShells shells(double pixel) {
  const theory::MatterPower power(cosmology());
  const auto sources = source_redshifts();
  const theory::LensingKernel kernel(power.background(), sources.z(), sources.n());
  return {power, kernel, {}, {}, spectrum(), pixel};
}

inline simulate::SkyPrior prior() {
  const auto fixed = [](double x) { return simulate::Range{x, x}; };
  const theory::Cosmology c = cosmology();
  return {{simulate::SkyKind::halo},
          fixed(c.omega_m),
          fixed(c.omega_b),
          fixed(c.h),
          fixed(c.sigma8),
          fixed(c.n_s),
          fixed(1.0),
          fixed(0.035),
          theory::MassFunction::tinker,
          fixed(3e11),
          fixed(1.0),
          fixed(0.3),
          fixed(0.75),
          fixed(0.1),
          fixed(0.02)};
}

}  // namespace tessera::test
