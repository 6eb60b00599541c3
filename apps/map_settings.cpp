#include "apps/map_settings.hpp"

#include <algorithm>
#include <limits>

#include "apps/catalogue_options.hpp"
#include "apps/networks.hpp"
#include "core/error.hpp"
#include "sky/angles.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Bins the galaxies of a shear catalogue on a grid and maps the convergence kappa, by one method or "
    "more:\n"
    "  ks  Kaiser-Squires inversion, E and B modes: no prior, no noise weighting\n"
    "  wiener  Wiener filter: the mean of the posterior under a Gaussian prior with the given spectrum,\n"
    "    for masked and uneven noise, and the standard deviation from exact posterior draws\n"
    "  deepmass  mean and standard deviation of the posterior by a network that was trained on simulated\n"
    "    skies and knows the noise; refused on data that its model was not made for\n"
    "  posterior  samples of the posterior under the Gaussian prior with what a score network adds to it,\n"
    "    and from them mean, standard deviation, quantiles, detections; takes minutes\n"
    "  map  the maximum of that posterior\n"
    "  starlet, tv  the same under an l1 prior on wavelets and under total variation, for comparison\n"
    "All but ks need --spectrum. Without --center and --npix the field holds all galaxies.\n\n"
    "Writes one HDF5 file: /maps/*, /data/*, /wcs or /healpix, /provenance, /diagnostics. Maps of the\n"
    "plane are [ny][nx], y to the North, x to the West; maps of the sphere are pixel (NESTED) and value.\n"
    "kappa and gamma have no dimension.\n\n"
    "examples: mpirun -n 4 tessera map --catalogue shear.fits --spectrum cl.txt --out maps.h5\n"
    "          mpirun -n 4 tessera map --grid healpix --nside 512 --catalogue des.h5 --spectrum cl.txt \\\n"
    "            --out maps.h5\n";

}  // namespace

config::Command map_command() {
  std::vector<config::Option> field = field_options();
  field.push_back({"sigma-e", "S", "ellipticity dispersion per component [measured from the catalogue]"});
  std::vector<config::Option> methods{
      {"methods", "LIST",
       "maps to make: ks, wiener, deepmass (which includes wiener), posterior, map, starlet, tv [ks, wiener, "
       "and "
       "deepmass where its model fits the data]"},
      {"smoothing-arcmin", "S",
       "standard deviation of the Gaussian that smooths the Kaiser-Squires maps, arcmin", "0"},
      {"wiener", "joint|tile",
       "joint: one filter for the whole sky; tile: every tile on its own rank, with a margin and no "
       "communication, for "
       "quick looks at large surveys",
       "joint"},
      {"wiener-margin", "N", "tile: pixels around a tile that its filter sees (beside the network's halo)",
       "96"},
      {"tolerance", "T", "Wiener: stop when the residual is T times the right-hand side", "1e-7"},
      {"max-iterations", "N", "Wiener: give up after N iterations", "1000"},
      {"samples", "N",
       "draws of the Wiener posterior, for its standard deviation map [8; 0 with --wiener tile]; samples of "
       "every "
       "chain of the posterior [32]"},
      {"sample-tolerance", "T", "Wiener: the tolerance for draws", "1e-5"},
      {"save-samples", "", "write the draws themselves, /maps/kappa_wiener_samples [draw][ny][nx]"},
      {"seed", "N", "seed of the draws; the same seed gives the same bits on any number of ranks", "1"},
      {"ring-blocks", "N",
       "healpix: sum over the sphere in at least so many blocks of rings, a power of two: the bits are the "
       "same on up to so many ranks [8 or nside / 128, doubled until there is one for each rank]"}};
  for (const config::Option& option : spectrum_options()) methods.push_back(option);
  const std::vector<config::Option> networks{
      {"model", "FILE",
       "model of 'tessera train deepmass', or a TorchScript module with a model card [deepmass_cosmos.h5 of "
       "the folder data; healpix: deepmass_desy3.h5]"},
      {"tile", "N",
       "side of the tiles that ranks share, pixels [256; healpix: 128]; healpix: files hold the tiles that "
       "have "
       "data"},
      device_option(),
      {"outside-card", "refuse|warn", "what to do with data that the model was not made for", "refuse"}};
  return {"map",
          "convergence maps from a shear catalogue",
          description,
          {catalogue_options(),
           {"Field", field},
           {"Methods", methods},
           {"DeepMass", networks},
           {"Posterior", posterior_options()},
           {"Maximum of the posterior", point_options()},
           {"Output",
            {{"out", "FILE", "HDF5 file to write"},
             {"overwrite", "", "replace the output file if it exists"},
             {"dry-run", "",
              "foresee time, memory of a rank, bytes sent and output of this command on these ranks, from a "
              "shortened run on the same data, and leave nothing; starlet, tv and --wiener tile are done "
              "whole"}}}}};
}

namespace {

std::uint64_t chosen_ring_blocks(const config::Values& values, const FieldSettings& field) {
  if (!field.on_sphere()) fail("--ring-blocks is of the sphere; give --grid healpix with it");
  const std::uint64_t most = 2 * field.nside, blocks = values.count("ring-blocks", 1, most);
  if ((blocks & (blocks - 1)) != 0)
    fail("--ring-blocks is {} and must be a power of two from 1 to {}", blocks, most);
  return blocks;
}

}  // namespace

const char* default_model(bool on_sphere) { return on_sphere ? "deepmass_desy3.h5" : "deepmass_cosmos.h5"; }

bool wants_networks(const config::Values& values) {
  if (!values.has("methods"))
    return values.has("model") ||
           !find_data(default_model(values.text_or("grid", "plane") == "healpix")).empty();
  const std::vector<std::string> methods = values.words("methods");
  const auto asked = [&](const char* method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  return asked("deepmass") ||
         ((asked("posterior") || asked("map")) && values.text_or("score-model", "") != "none");
}

MapSettings::MapSettings(const config::Values& values) : field(values) {
  automatic = !values.has("methods");
  kaiser_squires = wiener = deepmass = automatic;
  bool sampled = false;
  for (const std::string& method : automatic ? std::vector<std::string>{} : values.words("methods")) {
    if (method == "ks")
      kaiser_squires = true;
    else if (method == "wiener")
      wiener = true;
    else if (method == "deepmass")
      wiener = deepmass = true;
    else if (method == "posterior")
      sampled = true;
    else if (method == "map")
      points.mode = true;
    else if (method == "starlet")
      points.starlet = true;
    else if (method == "tv")
      points.total_variation = true;
    else
      fail("--methods has '{}' and knows: ks, wiener, deepmass, posterior, map, starlet, tv", method);
  }
  device = values.text("device");
  outside_card = values.choice("outside-card", {"refuse", "warn"}) == "warn";
  constexpr std::uint64_t plane_tile = 256, sphere_tile = 128;
  tile = field.on_sphere() ? std::min(sphere_tile, field.nside) : plane_tile;
  if (values.has("tile")) tile = values.count("tile", 1, 1 << 20);
  model = values.has("model") ? values.text("model") : find_data(default_model(field.on_sphere()));
  smoothing = values.number("smoothing-arcmin", 0.0, 600.0) * radians_per_arcmin;
  mean.tolerance = values.number("tolerance", 1e-14, 0.1);
  draw.tolerance = values.number("sample-tolerance", 1e-14, 0.1);
  mean.max_iterations = draw.max_iterations = static_cast<int>(values.count("max-iterations", 1, 1000000));
  tile_wiener = values.choice("wiener", {"joint", "tile"}) == "tile";
  margin = values.count("wiener-margin", 0, 1 << 16);
  constexpr std::uint32_t usual_samples = 8;
  samples = tile_wiener ? 0 : usual_samples;
  if (values.has("samples")) samples = static_cast<std::uint32_t>(values.count("samples", 0, 1000000));
  if (tile_wiener && wiener && samples > 0)
    fail(
        "--samples {} cannot be drawn tile by tile: draws need the whole sky at once; give --samples 0 or "
        "--wiener "
        "joint",
        samples);
  if (field.on_sphere()) {
    if (tile_wiener) fail("--wiener tile is for the plane; on the sphere give --wiener joint");
    if (points.starlet || points.total_variation)
      fail(
          "--methods starlet and tv are for the plane; on the sphere there are ks, wiener, deepmass, "
          "posterior, map");
  }
  if (values.has("ring-blocks")) ring_blocks = chosen_ring_blocks(values, field);
  save_samples = values.flag("save-samples");
  pixel_window = values.choice("pixel-window", {"yes", "no"}) == "yes";
  seed = values.count("seed", 0, UINT64_MAX);
  if (values.has("sigma-e")) sigma_e = values.number("sigma-e", 1e-6, 10.0);
  values.require("catalogue");
  if (values.has("chain")) {
    if (!sampled) fail("--chain is a chain of posterior samples; give --methods posterior with it");
    // The other maps are made when the chains are gathered.
    kaiser_squires = wiener = deepmass = false;
    points = {};
  } else {
    points.read(values);
  }
  if (sampled || points.any()) sampler.emplace(values, sampled || points.mode);
  if (sampled) {
    constexpr std::uint32_t usual_of_a_chain = 32;
    posterior.emplace(values, values.has("samples") ? samples : usual_of_a_chain);
  }
  if (needs_spectrum()) require_spectrum(values);
}

MapSettings MapSettings::shortened() const {
  constexpr int iterations = 15, draw_iterations = 5;
  MapSettings result = *this;
  result.mean.max_iterations = std::min(mean.max_iterations, iterations);
  result.draw.max_iterations = std::min(draw.max_iterations, draw_iterations);
  result.samples = std::min(samples, 1U);
  result.points.mode_options.levels = 2;  // a level begins with work of its own
  if (result.posterior) {
    if (!result.posterior->chain) result.posterior->chains = 1;
    result.posterior->samples = std::min(posterior->samples, 2U);
    result.posterior->checkpoint_minutes = std::numeric_limits<double>::infinity();
    result.posterior->out += ".dry_run";
    result.posterior->resume = false;
    result.sampler->options.burn_in = std::min<std::uint64_t>(sampler->options.burn_in, 2);
  }
  return result;
}

}  // namespace tessera::apps
