// tessera compare: how close maps come to the truth.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/command.hpp"
#include "apps/compare_skies.hpp"
#include "apps/field_options.hpp"
#include "apps/sky_source.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/map_reader.hpp"
#include "mpi/agreement.hpp"
#include "statistics/map_comparison.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Compares maps of a survey with the truth, inside the mask: root mean square error, the same with means "
    "subtracted,\n"
    "Pearson's r, and per band of ell the power over the truth's and the cross-correlation (of the masked "
    "maps).\n"
    "Both files are of the plane, or of the sphere (--grid healpix).\n\n"
    "With --skies: what sets of skies are like, side by side: power against their input, one-point moments "
    "and "
    "PDF, peaks,\n"
    "minima and starlet l1-norm.\n\n"
    "example: tessera compare --truth truth.h5 --maps maps.h5\n"
    "         tessera compare --skies simulated.h5,lognormal.h5 --reference nbody.h5 --out statistics.h5\n";

config::Group survey_options() {
  return {"Maps of a survey",
          {{"truth", "FILE.h5", "file with the true convergence"},
           {"truth-map", "NAME", "map of the truth [kappa]"},
           {"maps", "FILE.h5", "file with the maps and /data/mask"},
           {"names", "LIST", "maps to compare [all /maps/kappa_* but _b and _std]"},
           {"lmax", "L", "healpix: highest multipole of the bands [2 nside]"}}};
}

config::Command compare_command() {
  return {"compare",
          "maps against the truth, or sets of skies with each other",
          description,
          {survey_options(),
           skies_options(),
           {"Both", {{"bands", "N", "bands of ell, equal in log ell [8; skies: 20]"}}}}};
}

/// Error if an option of the other use was given: it would be passed over in silence.
void refuse_options(const config::Values& values, const config::Group& group, const std::string& why) {
  for (const config::Option& option : group.options)
    if (values.has(option.name)) fail("--{} {}; leave it out", option.name, why);
}

std::vector<std::string> chosen_maps(const io::MapReader& file, const config::Values& values) {
  std::vector<std::string> names;
  if (values.has("names")) {
    for (const std::string& name : values.words("names")) names.push_back(file.find_map(name));
    return names;
  }
  for (const std::string& name : file.map_names("/maps"))
    if (name.starts_with("kappa") && !name.ends_with("_b") && !name.ends_with("_std"))
      names.push_back("/maps/" + name);
  if (names.empty()) fail("'{}' has no map /maps/kappa_*; choose with --names", file.path());
  return names;
}

void require_same_sphere(const io::MapReader& maps, const io::MapReader& truth) {
  if (maps.nside() != truth.nside())
    fail("'{}' has nside {} and '{}' nside {}; map with the truth's --nside", maps.path(), maps.nside(),
         truth.path(), truth.nside());
}

void require_same_plane(const io::MapReader& maps, const io::MapReader& truth) {
  const PlaneGrid a = maps.grid();
  const PlaneGrid b = truth.grid();
  constexpr double degrees = 1e-9;
  if (a.nx() == b.nx() && a.ny() == b.ny() && std::abs(a.pixel_arcmin() - b.pixel_arcmin()) < degrees &&
      std::abs(a.centre().ra - b.centre().ra) < degrees &&
      std::abs(a.centre().dec - b.centre().dec) < degrees)
    return;
  fail(
      "'{}' ({} x {} pixels of {} arcmin about {:.6f}, {:.6f}) and '{}' ({} x {} of {} about {:.6f}, {:.6f}) "
      "are different "
      "fields; map with the truth's --center, --npix and --pixel-arcmin",
      maps.path(), a.nx(), a.ny(), a.pixel_arcmin(), a.centre().ra, a.centre().dec, truth.path(), b.nx(),
      b.ny(), b.pixel_arcmin(), b.centre().ra, b.centre().dec);
}

void require_same_field(const io::MapReader& maps, const io::MapReader& truth) {
  const auto sky = [](const io::MapReader& file) { return file.on_sphere() ? "sphere" : "plane"; };
  if (maps.on_sphere() != truth.on_sphere())
    fail("'{}' holds maps of the {} and '{}' of the {}; compare maps with the truth of the same survey",
         maps.path(), sky(maps), truth.path(), sky(truth));
  maps.on_sphere() ? require_same_sphere(maps, truth) : require_same_plane(maps, truth);
}

/// Highest multipole of a comparison on the sphere, 0 on the plane.
std::uint64_t chosen_lmax(const io::MapReader& file, const config::Values& values) {
  if (!file.on_sphere()) {
    if (values.has("lmax")) fail("--lmax is of the sphere, and '{}' of the plane; leave it out", file.path());
    return 0;
  }
  return values.has("lmax") ? values.count("lmax", 2, 4 * file.nside()) : 2 * file.nside();
}

/// The sky of a file's maps: their field as a periodic box, or the sphere. Collective.
std::unique_ptr<survey::SurveySky> sky_of(const mpi::Communicator& comm, const io::MapReader& file,
                                          std::uint64_t lmax) {
  if (!file.on_sphere()) {
    const PlaneGrid grid = file.grid();
    return survey::plane_sky(comm, grid, {grid.nx(), grid.ny()});
  }
  constexpr double doubles_per_pixel = 14.0, mode_vectors = 6.0;
  require_sphere_memory(comm, file.nside(), lmax, doubles_per_pixel, mode_vectors);
  return survey::sphere_sky(comm, file.nside(), lmax, file.nside());
}

/// A map on this rank's pixels, NaN where the file holds none.
std::vector<double> read_map(const io::MapReader& file, const std::string& name,
                             const survey::SurveySky& sky) {
  const std::size_t pixels = sky.basis().pixel_count();
  if (!file.on_sphere()) {
    const std::uint64_t nx = file.grid().nx();
    return file.read_rows(name, sky.basis().first_pixel() / nx, pixels / nx);
  }
  std::vector<std::uint64_t> numbers(pixels), increasing;
  for (std::size_t p = 0; p < pixels; ++p) numbers[p] = sky.number(p);
  increasing = numbers;
  std::sort(increasing.begin(), increasing.end());
  const std::vector<double> values = file.read_values(name, increasing);
  std::vector<double> map(pixels);
  for (std::size_t p = 0; p < pixels; ++p)
    map[p] = values[static_cast<std::size_t>(
        std::lower_bound(increasing.begin(), increasing.end(), numbers[p]) - increasing.begin())];
  return map;
}

harmonic::EllRange ell_range(const io::MapReader& file, std::uint64_t lmax) {
  if (file.on_sphere()) return {2.0, static_cast<double>(lmax)};
  const PlaneGrid grid = file.grid();
  return harmonic::PlaneBasis::ell_range({grid.nx(), grid.ny()}, grid.pixel_radians());
}

std::vector<double> band_edges(harmonic::EllRange range, std::uint64_t bands) {
  std::vector<double> edges;
  for (std::uint64_t i = 0; i <= bands; ++i)
    edges.push_back(range.min *
                    std::pow(range.max / range.min, static_cast<double>(i) / static_cast<double>(bands)));
  edges.back() *= 1.0 + 1e-9;
  return edges;
}

void report(const std::string& name, const statistics::MapComparison& c) {
  log::info("{}", name);
  log::info("  RMSE {:.5f}, mean-subtracted {:.5f} (truth rms {:.5f}), Pearson r {:.4f}, {} pixels", c.rmse,
            c.mean_subtracted_rmse, c.truth_rms, c.pearson_r, c.pixels);
  log::info("  {:>9} {:>9} {:>8} {:>12} {:>12}", "ell from", "to", "modes", "power ratio", "correlation");
  for (const auto& band : c.bands)
    log::info("  {:>9.0f} {:>9.0f} {:>8} {:>12.4f} {:>12.4f}", band.ell_min, band.ell_max, band.modes,
              band.power_ratio, band.correlation);
}

void compare_survey(const mpi::Communicator& comm, const config::Values& values) {
  const std::uint64_t bands = values.has("bands") ? values.count("bands", 1, 1000) : 8;
  std::optional<io::MapReader> maps, truth;
  std::vector<std::string> names;
  std::string true_name, mask_name;
  std::uint64_t lmax = 0;
  mpi::collectively(comm, [&] {
    maps.emplace(values.text("maps"));
    truth.emplace(values.text("truth"));
    require_same_field(*maps, *truth);
    lmax = chosen_lmax(*maps, values);
    names = chosen_maps(*maps, values);
    true_name = truth->find_map(values.text_or("truth-map", "kappa"));
    mask_name = maps->find_map("/data/mask");
  });
  const auto sky = sky_of(comm, *maps, lmax);
  std::vector<double> mask;
  mpi::collectively(comm, [&] { mask = read_map(*maps, mask_name, *sky); });
  const auto inside = std::count_if(mask.begin(), mask.end(), [](double m) { return m > 0.0; });
  if (comm.sum(static_cast<std::uint64_t>(inside)) == 0)
    fail(
        "the mask of '{}' has no pixel inside, so there is nothing to compare; map with galaxies on the "
        "field",
        maps->path());
  const auto read = [&](const io::MapReader& file, const std::string& name) {
    std::vector<double> map;
    mpi::collectively(comm, [&] {
      map = read_map(file, name, *sky);
      for (std::size_t p = 0; p < map.size(); ++p) {
        if (mask[p] > 0.0 && !std::isfinite(map[p]))
          fail(
              "'{}' of '{}' has no finite value at pixels inside the mask of '{}'; give files of the same "
              "survey",
              name, file.path(), maps->path());
        if (!(mask[p] > 0.0)) map[p] = 0.0;
      }
      require_convergence(map, fmt::format("'{}' of '{}'", name, file.path()));
    });
    return map;
  };
  const auto true_kappa = read(*truth, true_name);
  const auto edges = band_edges(ell_range(*maps, lmax), bands);
  for (const std::string& name : names) {
    const auto map = read(*maps, name);
    report(name, statistics::compare_maps(sky->basis(), map, true_kappa, mask, edges));
  }
}

void run_compare(const mpi::Communicator& comm, const config::Values& values) {
  if (values.has("skies")) {
    refuse_options(values, survey_options(), "belongs to the comparison of maps of a survey, not to --skies");
    run_compare_skies(comm, values);
  } else {
    refuse_options(values, skies_options(), "says how sets of skies are compared and needs --skies");
    compare_survey(comm, values);
  }
}

}  // namespace

Application compare_application() { return {compare_command(), run_compare}; }

}  // namespace tessera::apps
