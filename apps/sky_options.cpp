#include "apps/sky_options.hpp"

#include <limits>

#include "core/error.hpp"

namespace tessera::apps {
namespace {

simulate::SkyKind sky_kind(const std::string& word) {
  using simulate::SkyKind;
  for (const SkyKind kind : {SkyKind::gaussian, SkyKind::lognormal, SkyKind::halo})
    if (word == simulate::name_of(kind)) return kind;
  fail("--model has the entry '{}' and knows: gaussian, lognormal, halo", word);
}

}  // namespace

std::vector<config::Group> sky_options() {
  return {
      {"Sky (values that take A:B are drawn from that range, for every sky anew)",
       {{"model", "LIST", "gaussian, lognormal or halo; of several, each sky takes one at random",
         "lognormal"},
        {"amplitude", "F|A:B", "factor on the spectrum", "1"},
        {"shift", "K|A:B", "lognormal: kappa is never below -K", "0.035"}}},
      {"Cosmology, for haloes (flat LambdaCDM; a range scales the spectrum too, which holds in its middle)",
       {{"nz", "FILE", "redshift distribution of the sources, lines 'z n(z)'; see data/nz_*.txt"},
        {"nz-column", "NAME", "column of n(z), its name or its number, z being column 1 [the only one]"},
        {"omega-m", "F|A:B", "matter density", "0.3"},
        {"omega-b", "F|A:B", "baryon density", "0.048"},
        {"h", "F|A:B", "Hubble constant / (100 km/s/Mpc)", "0.7"},
        {"sigma8", "F|A:B", "amplitude of matter fluctuations", "0.81"},
        {"n-s", "F|A:B", "slope of the primordial spectrum", "0.965"}}},
      {"Haloes (--model halo)",
       {{"mass-function", "tinker|sheth-tormen", "Tinker et al. (2010) or Sheth & Tormen (1999)", "tinker"},
        {"min-halo-mass", "M|A:B", "lightest halo, Msun/h; the rest of the matter is smooth", "3e11"},
        {"concentration", "F|A:B", "factor on the concentrations of Duffy et al. (2008)", "1"},
        {"concentration-scatter", "S|A:B", "standard deviation of ln c", "0.3"},
        {"axis-ratio", "Q|A:B", "mean axis ratio of the projected haloes, 1: round", "0.75"},
        {"subhaloes", "F|A:B", "part of the mass of resolved haloes that is in subhaloes", "0"},
        {"core", "F|A:B", "part of the mass of resolved haloes in a baryonic core", "0"}}}};
}

simulate::SkyPrior sky_prior(const config::Values& values) {
  const auto range = [&](const char* name, double min, double max) {
    const auto [low, high] = values.range(name, min, max);
    return simulate::Range{low, high};
  };
  simulate::SkyPrior prior;
  for (const std::string& word : values.words("model")) prior.kinds.push_back(sky_kind(word));
  prior.amplitude = range("amplitude", 1e-3, 1e3);
  prior.shift = range("shift", 1e-6, 10.0);
  prior.omega_m = range("omega-m", 0.1, 0.6);
  prior.omega_b = range("omega-b", 0.01, 0.1);
  prior.h = range("h", 0.4, 1.0);
  prior.sigma8 = range("sigma8", 0.3, 1.5);
  prior.n_s = range("n-s", 0.7, 1.3);
  prior.mass_function = values.choice("mass-function", {"tinker", "sheth-tormen"}) == "tinker"
                            ? theory::MassFunction::tinker
                            : theory::MassFunction::sheth_tormen;
  prior.min_mass = range("min-halo-mass", 1e10, 1e15);
  prior.concentration = range("concentration", 0.2, 5.0);
  prior.concentration_scatter = range("concentration-scatter", 0.0, 1.0);
  prior.axis_ratio = range("axis-ratio", 0.3, 1.0);
  prior.subhaloes = range("subhaloes", 0.0, 0.5);
  prior.core = range("core", 0.0, 0.3);
  if ((prior.has_haloes() || prior.cosmology_varies()) && !values.has("nz"))
    fail("{} the redshifts of the sources; give --nz, a file of lines 'z n(z)' (data/nz_*.txt has some)",
         prior.has_haloes() ? "--model halo needs" : "a varying cosmology needs");
  return prior;
}

std::optional<theory::SourceDistribution> sources(const config::Values& values) {
  if (!values.has("nz")) return std::nullopt;
  return theory::SourceDistribution::read(values.text("nz"), values.text_or("nz-column", ""));
}

}  // namespace tessera::apps
