#include "apps/train_options.hpp"

#include "apps/field_options.hpp"
#include "apps/networks.hpp"
#include "apps/sky_options.hpp"
#include "apps/survey_options.hpp"

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
    "           --density 5:70 --steps 3000 --out deepmass.h5\n"
    "         mpirun -n 2 tessera train deepmass --grid healpix --nside 512 --model lognormal --shift 0.01 "
    "\\\n"
    "           --spectrum data/cl_desy3_like.txt --density 4:8 --sigma-e 0.26 --out deepmass_desy3.h5\n";

constexpr const char* score_description =
    "Trains the score network: what a prior knows of convergence beyond the Gaussian prior of the spectrum.\n"
    "It sees skies blurred by white noise of many levels and learns by how much the mean of the convergence\n"
    "behind them differs from the Gaussian one (denoising score matching). 'tessera map --methods "
    "posterior'\n"
    "samples with it. Skies come from a set ('tessera simulate skies', 'tessera import') by --skies, or are\n"
    "drawn as training goes on. The examples of a step are dealt to the ranks; one thread a rank is fastest "
    "and\n"
    "gives the same bits on any number of ranks. Ends with scores on test skies and writes a model with its\n"
    "card; tools/plot_training.py draws its learning curves.\n\n"
    "example: mpirun -n 2 tessera train score --skies skies.h5 --spectrum data/cl_cosmos_like.txt \\\n"
    "           --steps 2000 --out score.h5\n";

config::Group network_options() {
  return {"Network",
          {{"channels", "LIST", "features at full, half, quarter ... resolution", "16,48,96"},
           {"blocks", "N", "residual blocks on the way down and on the way up, per level", "1"}}};
}

std::vector<config::Option> adam_options(const char* steps, const char* batch) {
  return {
      {"steps", "N", "steps of Adam", steps},
      {"batch", "N", "examples a step", batch},
      {"learning-rate", "R", "highest learning rate", "2e-3"},
      {"warmup", "N", "steps in which the learning rate rises; then it falls as a cosine", "100"},
      {"average", "A", "decay of the running mean of the weights, which is what is kept", "0.995"},
      {"validate", "N", "steps between looks at held-out skies, after which a checkpoint is written", "100"},
      {"patience", "N", "stop after N looks without improvement", "10"},
      {"seed", "N", "the same seed gives the same weights on any number of ranks", "1"},
      device_option()};
}

config::Group training_options(std::vector<config::Option> adam, const std::vector<config::Option>& more) {
  adam.insert(adam.end(), more.begin(), more.end());
  return {"Training", std::move(adam)};
}

/// The command `train WHAT`: where skies come from, `groups`, and where the model goes.
config::Command train_command(const std::string& what, const std::string& summary, const std::string& text,
                              const std::vector<config::Group>& groups) {
  std::vector<config::Group> all{
      {"Skies",
       {{"skies", "FILE", "set of skies to learn from; its split says which are held out"},
        {"grid", "plane|healpix", "plane boxes, or whole spheres, which are drawn on the fly", "plane"},
        {"nside", "N", "healpix: resolution"},
        {"lmax", "L", "healpix: highest multipole of the transform [2 nside]"},
        {"tiles-per-sky", "N", "healpix: examples that a sky is used for, each a tile of it", "32"},
        {"distortion", "yes|no", "healpix: whether the network is shown how pixels are stretched", "yes"},
        {"npix", "N[,M]", "pixels of a sky drawn on the fly", "512"},
        {"pixel-arcmin", "P", "side of a pixel of a sky drawn on the fly, arcmin", "0.29"}}}};
  for (const config::Option& option : spectrum_options()) all.front().options.push_back(option);
  all.insert(all.end(), groups.begin(), groups.end());
  for (config::Group& group : sky_options()) {
    group.title = "On the fly: " + group.title;
    all.push_back(group);
  }
  all.push_back({"Output",
                 {{"out", "FILE",
                   "model file to write; FILE.checkpoint and, of before, FILE.checkpoint.1 hold the "
                   "training's state meanwhile"},
                  {"resume", "",
                   "go on from FILE.checkpoint, if it is there, or from the one before if it is damaged; "
                   "ends with the same bits"},
                  {"overwrite", "", "replace the output file if it exists"}}});
  return {"train " + what, summary, text, all};
}

}  // namespace

config::Command train_deepmass_command() {
  return train_command(
      "deepmass", "a network that maps Wiener maps to the posterior mean", description,
      {survey_options("5:70"), network_options(),
       training_options(
           adam_options("2000", "2"),
           {{"tolerance", "T", "Wiener: stop when the residual is T times the right-hand side", "3e-4"},
            {"cutout", "N",
             "side of the part of each survey that a step looks at, pixels; 0: all of it; healpix: of tiles",
             "256"},
            {"variance-share", "F", "weight of the standard deviation's loss beside the mean's", "0.1"},
            {"validation-surveys", "N", "surveys to look at", "16"},
            {"test-surveys", "N", "surveys of test skies per depth for the scores in the card", "24"},
            {"test-densities", "LIST",
             "depths of the scores, galaxies per arcmin^2 [five over --density]"}})});
}

config::Command train_score_command() {
  return train_command(
      "score", "the learned part of the prior, for posterior samples", score_description,
      {{"Noise levels",
        {{"sigma", "A:B", "rms of a pixel's noise, drawn uniformly in the logarithm for every example",
          "0.005:0.15"},
         {"high-pass", "ELL", "multipole below which the prior is left Gaussian", "600"}}},
       network_options(),
       training_options(adam_options("2000", "2"),
                        {{"cutout", "N", "healpix: side of the tiles of a sky, pixels", "256"},
                         {"validation-skies", "N", "skies to look at, their levels evenly spread", "24"},
                         {"test-skies", "N", "test skies for the figures in the card", "24"}})});
}

}  // namespace tessera::apps
