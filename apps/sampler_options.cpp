#include "apps/sampler_options.hpp"

#include "apps/networks.hpp"
#include "core/error.hpp"
#include "sky/angles.hpp"

namespace tessera::apps {

std::vector<config::Option> sampler_options() {
  return {
      {"score-model", "FILE",
       "model of 'tessera train score'; none: the Gaussian prior alone [score_cosmos.h5 of the folder data; "
       "healpix: score_desy3.h5]"},
      {"prior-reach", "ARCMIN",
       "the learned prior ends so far from the data; beyond, in large holes, the prior is Gaussian [1; "
       "healpix: "
       "15]"},
      {"sigma-share", "F",
       "noise counted to the field while the chain runs, over the least noise of a pixel: more mixes faster",
       "0.7"},
      {"burn-in", "N", "trajectories before a chain's first sample", "40"},
      {"trajectories", "N", "trajectories from sample to sample", "8"},
      {"hmc-step", "H", "leapfrog step, lowered where the noise is so uneven that it would be unstable",
       "1.0"},
      {"leapfrogs", "N", "leapfrog steps of a trajectory; 1 is generalised HMC", "1"},
      {"persistence", "F", "momentum kept from trajectory to trajectory; 0 for plain HMC", "0.85"},
      {"metropolis", "yes|no",
       "accept or reject trajectories by their energy error; needs steps so short that it seldom pays", "no"},
      {"levels", "N", "noise levels of the descent from the chain's state to a sample", "10"},
      {"lowest-sigma", "S",
       "the last of them; what is below is drawn at once [0.01; healpix: 0.35 of the prior's rms in a "
       "pixel]"}};
}

namespace {

bool on_sphere(const config::Values& values) { return values.text_or("grid", "plane") == "healpix"; }

}  // namespace

const char* default_score_model(const config::Values& values) {
  return on_sphere(values) ? "score_desy3.h5" : "score_cosmos.h5";
}

double SamplerSettings::lowest_sigma(double prior_rms) const {
  constexpr double share = 0.35;  // what 0.01 is of the pixels of COSMOS
  return options.lowest_sigma > 0.0 ? options.lowest_sigma : share * prior_rms;
}

SamplerSettings::SamplerSettings(const config::Values& values, bool learned)
    : sigma_share(values.number("sigma-share", 0.01, 0.99)) {
  constexpr double plane_reach = 1.0, sphere_reach = 15.0, plane_lowest = 0.01;
  const double usual_reach = on_sphere(values) ? sphere_reach : plane_reach;
  prior_reach = radians_per_arcmin *
                (values.has("prior-reach") ? values.number("prior-reach", 0.0, 10000.0) : usual_reach);
  options.burn_in = values.count("burn-in", 0, 1000000);
  options.trajectories = values.count("trajectories", 1, 1000000);
  options.hmc.step = values.number("hmc-step", 1e-6, 2.0);
  options.hmc.leapfrogs = values.count("leapfrogs", 1, 100000);
  options.hmc.persistence = values.number("persistence", 0.0, 0.999);
  options.hmc.metropolis = values.choice("metropolis", {"yes", "no"}) == "yes";
  options.levels = values.count("levels", 1, 1000);
  options.lowest_sigma = on_sphere(values) ? 0.0 : plane_lowest;
  if (values.has("lowest-sigma")) options.lowest_sigma = values.number("lowest-sigma", 1e-6, 1e3);
  if (values.has("max-iterations"))
    options.start.max_iterations = static_cast<int>(values.count("max-iterations", 1, 1000000));
  if (!learned) return;
  model = values.has("score-model") ? values.text("score-model") : find_data(default_score_model(values));
  if (model.empty())
    fail("there is no score network {} in the data folder; give one by --score-model, or --score-model none",
         default_score_model(values));
  if (model == "none") model.clear();
}

}  // namespace tessera::apps
