#pragma once

#include <memory>
#include <optional>

#include "inference/signal_covariance.hpp"
#include "simulate/sky_prior.hpp"
#include "theory/power_spectrum.hpp"
#include "theory/source_distribution.hpp"

namespace tessera::simulate {

/// Makes convergence skies on one plane, of any kind, or sphere (no haloes). What a sky needs before it can
/// be drawn (spectra, shells, tables) is kept while the parameters stay the same.
class SkyMaker {
 public:
  /// spectrum: the convergence spectrum at the prior's reference cosmology. sources: of the lensed galaxies,
  /// needed for haloes and where the cosmology varies, Error otherwise, as for haloes on the sphere.
  /// pixel_averaged: kappa is the mean over each pixel. basis must outlive the maker.
  SkyMaker(const harmonic::HarmonicBasis& basis, SkyPrior prior, theory::PowerSpectrum spectrum,
           std::optional<theory::SourceDistribution> sources, bool pixel_averaged);

  [[nodiscard]] SkyParameters draw_parameters(std::uint64_t seed, std::uint32_t realisation) const {
    return prior_.draw(seed, realisation);
  }

  /// Spectrum of skies with these parameters: the requested one times the amplitude, and times the
  /// theoretical response to the cosmology. Local.
  [[nodiscard]] theory::PowerSpectrum spectrum(const SkyParameters& parameters) const;

  /// A sky, this rank's pixels. Collective; the bits do not depend on the rank count.
  [[nodiscard]] std::vector<double> kappa(const SkyParameters& parameters, std::uint64_t seed,
                                          std::uint32_t realisation);

 private:
  /// Everything that depends on the parameters alone.
  struct Prepared {
    std::vector<double> values;  // of the parameters
    std::optional<inference::SignalCovariance> signal;
    std::optional<HaloShells> shells;
    std::optional<HaloSkies> haloes;
  };
  const Prepared& prepare(const SkyParameters& parameters);
  [[nodiscard]] std::vector<double> theory_power(const theory::Cosmology& cosmology) const;

  const harmonic::HarmonicBasis* basis_;
  SkyPrior prior_;
  theory::PowerSpectrum spectrum_;
  std::optional<theory::SourceDistribution> sources_;
  bool pixel_averaged_;
  std::vector<double> response_ell_, reference_power_;
  std::array<std::unique_ptr<Prepared>, 3> prepared_;  // by kind
};

}  // namespace tessera::simulate
