#include "apps/survey_options.hpp"

#include "core/error.hpp"

namespace tessera::apps {
namespace {

simulate::Footprint footprint(const std::string& word) {
  using simulate::Footprint;
  for (const Footprint known :
       {Footprint::full, Footprint::starry, Footprint::cosmos, Footprint::des, Footprint::patchy})
    if (word == simulate::name_of(known)) return known;
  fail("--masks has the entry '{}' and knows: full, starry, cosmos, and on the sphere full, des, patchy",
       word);
}

}  // namespace

config::Group survey_options(const std::string& density) {
  return {"Mock surveys (A:B: drawn anew for every survey)",
          {{"density", "N|A:B", "galaxies per arcmin^2, uniform in the logarithm", density},
           {"sigma-e", "S|A:B", "ellipticity dispersion per component", "0.26:0.31"},
           {"masks", "LIST",
            "footprints, with equal chances: full, starry (holes around stars), cosmos; healpix: full, des, "
            "patchy "
            "(holes and borders all over the sphere) [full,starry,cosmos; healpix: patchy]"},
           {"unevenness", "S", "rms of the logarithm of the density over the field", "0.25"},
           {"even-share", "F", "part of the surveys with one noise level in every observed pixel", "0.3"}}};
}

simulate::SurveyPrior survey_prior(const config::Values& values) {
  const auto range = [&](const char* name, double min, double max) {
    const auto [low, high] = values.range(name, min, max);
    return simulate::Range{low, high};
  };
  simulate::SurveyPrior prior{{}, range("density", 1e-2, 1e4), range("sigma-e", 1e-3, 10.0)};
  const bool sphere = values.text_or("grid", "plane") == "healpix";
  std::vector<std::string> masks{"full", "starry", "cosmos"};
  if (sphere) masks = {"patchy"};
  if (values.has("masks")) masks = values.words("masks");
  for (const std::string& word : masks) prior.footprints.push_back(footprint(word));
  prior.unevenness = values.number("unevenness", 0.0, 2.0);
  prior.even_share = values.number("even-share", 0.0, 1.0);
  return prior;
}

}  // namespace tessera::apps
