#include "simulate/sky_maker.hpp"

#include <cmath>

#include "core/error.hpp"
#include "harmonic/plane_basis.hpp"
#include "simulate/random_field.hpp"
#include "theory/interpolate.hpp"

namespace tessera::simulate {

SkyMaker::SkyMaker(const harmonic::HarmonicBasis& basis, SkyPrior prior, theory::PowerSpectrum spectrum,
                   std::optional<theory::SourceDistribution> sources, bool pixel_averaged)
    : basis_(&basis),
      prior_(std::move(prior)),
      spectrum_(std::move(spectrum)),
      sources_(std::move(sources)),
      pixel_averaged_(pixel_averaged) {
  if (prior_.has_haloes() && dynamic_cast<const harmonic::PlaneBasis*>(basis_) == nullptr)
    fail("skies of haloes are made on the plane alone; on the sphere give --model lognormal or gaussian");
  if ((prior_.has_haloes() || prior_.cosmology_varies()) && !sources_)
    fail("haloes and varying cosmologies need the redshifts of the sources; give them by --nz");
  if (!prior_.cosmology_varies()) return;
  constexpr std::size_t points = 60;
  response_ell_ = theory::logarithmic_grid(spectrum_.ell().front(), spectrum_.ell().back(), points);
  reference_power_ = theory_power(prior_.reference());
}

std::vector<double> SkyMaker::theory_power(const theory::Cosmology& cosmology) const {
  const theory::MatterPower power(cosmology);
  const theory::LensingKernel kernel(power.background(), sources_->z(), sources_->n());
  return theory::convergence_power(power, kernel, response_ell_);
}

theory::PowerSpectrum SkyMaker::spectrum(const SkyParameters& parameters) const {
  std::vector<double> c_ell = spectrum_.c_ell();
  for (double& value : c_ell) value *= parameters.amplitude;
  if (prior_.cosmology_varies()) {
    const std::vector<double> power = theory_power(parameters.cosmology);
    std::vector<double> place, response;
    for (std::size_t i = 0; i < power.size(); ++i) {
      place.push_back(std::log(response_ell_[i]));
      response.push_back(power[i] / reference_power_[i]);
    }
    for (std::size_t i = 0; i < c_ell.size(); ++i)
      c_ell[i] *= theory::interpolate(place, response, std::log(spectrum_.ell()[i]));
  }
  return {spectrum_.ell(), std::move(c_ell), spectrum_.name()};
}

const SkyMaker::Prepared& SkyMaker::prepare(const SkyParameters& parameters) {
  std::unique_ptr<Prepared>& slot = prepared_.at(static_cast<std::size_t>(parameters.kind));
  if (slot && slot->values == parameter_values(parameters)) return *slot;
  slot = std::make_unique<Prepared>();
  slot->values = parameter_values(parameters);
  const theory::PowerSpectrum requested = spectrum(parameters);
  if (parameters.kind != SkyKind::halo) {
    slot->signal.emplace(*basis_, std::vector{requested}, pixel_averaged_);
    return *slot;
  }
  const theory::MatterPower power(parameters.cosmology);
  const theory::LensingKernel kernel(power.background(), sources_->z(), sources_->n());
  slot->shells.emplace(power, kernel, parameters.haloes, parameters.shapes, requested,
                       std::sqrt(basis_->pixel_area()));
  slot->haloes.emplace(dynamic_cast<const harmonic::PlaneBasis&>(*basis_), *slot->shells);
  return *slot;
}

std::vector<double> SkyMaker::kappa(const SkyParameters& parameters, std::uint64_t seed,
                                    std::uint32_t realisation) {
  const Prepared& prepared = prepare(parameters);
  switch (parameters.kind) {
    case SkyKind::gaussian:
      return gaussian_kappa(*basis_, *prepared.signal, seed, realisation);
    case SkyKind::lognormal:
      return lognormal_kappa(*basis_, *prepared.signal, parameters.shift, seed, realisation);
    default:
      return prepared.haloes->kappa(seed, realisation, pixel_averaged_);
  }
}

}  // namespace tessera::simulate
