#include "apps/calibrate_options.hpp"

#include "apps/field_options.hpp"
#include "apps/networks.hpp"
#include "apps/sampler_options.hpp"
#include "apps/sky_options.hpp"
#include "apps/survey_options.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Asks of the sampler what can be asked where the truth is known: whether its posterior is as wide as "
    "its\n"
    "errors. Mock surveys of test skies are sampled as data are; where the truth stands among the samples "
    "is\n"
    "counted for pixels, smoothed pixels, peaks and band powers (ranks, which should be uniform), for whole\n"
    "maps (TARP), and as the standard deviation of (truth - mean) / std. Beside it: errors and correlation\n"
    "against the Wiener filter and DeepMass on the same surveys, power, skewness and peaks of samples "
    "against\n"
    "the truth's. Ranks share the surveys. Everything goes to one HDF5 file, which tools/plot_calibration.py "
    "draws.\n\n"
    "example: mpirun -n 2 tessera calibrate --skies skies.h5 --spectrum data/cl_cosmos_like.txt --density 45 "
    "\\\n"
    "           --surveys 50 --out calibration.h5\n";

}  // namespace

config::Command calibrate_command() {
  config::Group skies{
      "Skies",
      {{"skies", "FILE", "set of skies whose test skies are surveyed"},
       {"grid", "plane|healpix", "fields of plane skies, or surveys of whole spheres drawn on the fly",
        "plane"},
       {"nside", "N", "healpix: resolution"},
       {"lmax", "L", "healpix: highest multipole of the transform [2 nside]"},
       {"npix", "N[,M]", "pixels of a sky drawn on the fly", "512"},
       {"pixel-arcmin", "P", "side of a pixel of a sky drawn on the fly, arcmin", "0.29"},
       {"field", "N", "side of the field that is surveyed, a corner of the sky, pixels", "256"},
       {"padding", "P", "width of the periodic box over that of the field", "2"},
       {"first-survey", "N", "number of the first survey, to go on where another run ended", "0"},
       {"surveys", "N", "mock surveys", "50"}}};
  for (const config::Option& option : spectrum_options()) skies.options.push_back(option);
  config::Group sampler{
      "Sampler",
      {{"samples", "N", "samples of every survey, of one chain", "15"},
       {"deepmass-model", "FILE",
        "DeepMass to compare with; none: leave it out [deepmass_cosmos.h5 of the folder data; healpix: "
        "deepmass_desy3.h5]"},
       {"tile", "N", "side of the tiles that ranks share, pixels", "256"},
       device_option(),
       {"seed", "N", "seed of surveys and samples", "1"}}};
  for (const config::Option& option : sampler_options()) sampler.options.push_back(option);
  std::vector<config::Group> groups{skies, survey_options("45"), sampler};
  for (config::Group& group : sky_options()) {
    group.title = "On the fly: " + group.title;
    groups.push_back(group);
  }
  groups.push_back({"Output",
                    {{"out", "FILE", "HDF5 file to write"},
                     {"card-out", "FILE", "the score model again, with these figures in its card"},
                     {"overwrite", "", "replace the output file if it exists"}}});
  return {"calibrate", "how far posterior samples can be trusted, on mock surveys", description, groups};
}

}  // namespace tessera::apps
