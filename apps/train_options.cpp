#include "apps/train_options.hpp"

#include "apps/field_options.hpp"
#include "apps/sky_options.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Trains DeepMass: a UNet that turns a Wiener map into the mean and the standard deviation of the "
    "posterior.\n"
    "It sees mock surveys of simulated skies, each with its own footprint, depth and noise, filtered by the "
    "code\n"
    "that maps data. Skies come from a set ('tessera simulate skies', 'tessera import') by --skies, or are "
    "drawn\n"
    "as training goes on. The examples of a step are dealt to the ranks; one thread a rank is fastest and "
    "gives\n"
    "the same bits on any number of ranks. Ends with scores on test skies and writes a model with its card, "
    "which\n"
    "'tessera map --model' reads; tools/plot_training.py draws its learning curves.\n\n"
    "example: mpirun -n 2 tessera train deepmass --skies skies.h5 --spectrum data/cl_cosmos_like.txt \\\n"
    "           --density 5:70 --steps 3000 --out deepmass.h5\n";

config::Group survey_options() {
  return {"Mock surveys (A:B: drawn anew for every survey)",
          {{"density", "N|A:B", "galaxies per arcmin^2, uniform in the logarithm", "5:70"},
           {"sigma-e", "S|A:B", "ellipticity dispersion per component", "0.26:0.31"},
           {"masks", "LIST", "footprints, with equal chances: full, starry (holes around stars), cosmos",
            "full,starry,cosmos"},
           {"unevenness", "S", "rms of the logarithm of the density over the field", "0.25"},
           {"even-share", "F", "part of the surveys with one noise level in every observed pixel", "0.3"},
           {"tolerance", "T", "Wiener: stop when the residual is T times the right-hand side", "3e-4"}}};
}

config::Group network_options() {
  return {"Network",
          {{"channels", "LIST", "features at full, half, quarter ... resolution", "16,48,96"},
           {"blocks", "N", "residual blocks on the way down and on the way up, per level", "1"}}};
}

config::Group training_options() {
  return {
      "Training",
      {{"steps", "N", "steps of Adam", "2000"},
       {"batch", "N", "surveys a step", "2"},
       {"cutout", "N", "side of the part of each survey that a step looks at, pixels; 0: all of it", "256"},
       {"learning-rate", "R", "highest learning rate", "2e-3"},
       {"warmup", "N", "steps in which the learning rate rises; then it falls as a cosine", "100"},
       {"average", "A", "decay of the running mean of the weights, which is what is kept", "0.995"},
       {"variance-share", "F", "weight of the standard deviation's loss beside the mean's", "0.1"},
       {"validate", "N", "steps between looks at held-out skies, after which a checkpoint is written", "100"},
       {"validation-surveys", "N", "surveys to look at", "16"},
       {"patience", "N", "stop after N looks without improvement", "10"},
       {"test-surveys", "N", "surveys of test skies per depth for the scores in the card", "24"},
       {"test-densities", "LIST", "depths of the scores, galaxies per arcmin^2 [five over --density]"},
       {"seed", "N", "the same seed gives the same weights on any number of ranks", "1"}}};
}

}  // namespace

config::Command train_deepmass_command() {
  std::vector<config::Group> groups{
      {"Skies",
       {{"skies", "FILE", "set of skies to learn from; its split says which are held out"},
        {"npix", "N[,M]", "pixels of a sky drawn on the fly", "512"},
        {"pixel-arcmin", "P", "side of a pixel of a sky drawn on the fly, arcmin", "0.29"}}},
      survey_options(),
      network_options(),
      training_options()};
  for (const config::Option& option : spectrum_options()) groups.front().options.push_back(option);
  for (config::Group& group : sky_options()) {
    group.title = "On the fly: " + group.title;
    groups.push_back(group);
  }
  groups.push_back(
      {"Output",
       {{"out", "FILE", "model file to write; FILE.checkpoint holds the training's state meanwhile"},
        {"resume", "", "go on from FILE.checkpoint, if it is there"},
        {"overwrite", "", "replace the output file if it exists"}}});
  return {"train deepmass", "a network that maps Wiener maps to the posterior mean", description, groups};
}

}  // namespace tessera::apps
