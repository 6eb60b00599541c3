// tessera simulate: a mock survey, its catalogue and the truth behind it.
#include <cmath>

#include "apps/catalogue_options.hpp"
#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/provenance.hpp"
#include "apps/sky_options.hpp"
#include "apps/sky_source.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/healpix_fits.hpp"
#include "io/map_reader.hpp"
#include "mpi/agreement.hpp"
#include "simulate/mock_catalogue.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Draws a convergence field from a theory spectrum (Gaussian, shifted lognormal or of haloes), or takes "
    "one of\n"
    "--sky, shears galaxies with it and writes a catalogue that 'tessera map' reads (HDF5, columns ra dec e1 "
    "e2 w)\n"
    "and the truth (HDF5, /maps/kappa, gamma1, gamma2). Galaxies are drawn (--density, --sigma-e, --mask) "
    "or, with\n"
    "--catalogue, taken from a real catalogue: positions and weights kept, ellipticities turned at "
    "random.\n\n"
    "examples: tessera simulate --spectrum cl.txt --center 150,2 --npix 360 --mask cosmos-like --density 70 "
    "\\\n"
    "            --out-catalogue mock.h5 --out-truth truth.h5\n"
    "          tessera simulate --grid healpix --nside 512 --model lognormal --shift 0.01 --spectrum cl.txt "
    "\\\n"
    "            --mask des-like --density 5.6 --sigma-e 0.26 --out-catalogue mock.h5 --out-truth truth.h5\n"
    "          tessera simulate --sky skies.h5 --sky-number 7 --catalogue cosmos.fits --npix 360 ...\n\n"
    "'tessera simulate skies' makes sets of skies without galaxies.\n";

std::vector<config::Group> simulate_options() {
  std::vector<config::Group> groups{{"Field", field_options()}};
  groups.front().options.push_back(
      {"sky", "FILE.h5",
       "take the convergence from a set of skies, or from /maps/kappa of a file of maps; healpix: from a "
       "HEALPix FITS map"});
  groups.front().options.push_back({"sky-number", "K", "which sky of the set, from 0", "0"});
  for (const config::Group& group : sky_options()) groups.push_back(group);
  for (const config::Option& option : spectrum_options()) groups[1].options.push_back(option);
  groups.push_back(
      {"Galaxies",
       {{"density", "N", "galaxies per arcmin^2", "70"},
        {"sigma-e", "S", "dispersion of the intrinsic ellipticity per component", "0.3"},
        {"mask", "full|cosmos-like|des-like|FILE",
         "where there are galaxies: everywhere, or as COSMOS (plane) or DES (healpix) were observed; "
         "or a file of maps, of which /data/mask is taken, or a HEALPix FITS map",
         "full"},
        {"reduced-shear", "", "shear galaxies by gamma / (1 - kappa)"},
        {"seed", "N", "the same seed gives the same survey on any number of ranks", "1"}}});
  groups.push_back(catalogue_options());
  groups.push_back({"Output",
                    {{"out-catalogue", "FILE", "HDF5 catalogue to write"},
                     {"out-truth", "FILE", "HDF5 truth to write"},
                     {"overwrite", "", "replace the output files if they exist"}}});
  return groups;
}

config::Command simulate_command() {
  return {"simulate", "a mock survey: catalogue and truth", description, simulate_options()};
}

struct Settings {
  FieldSettings field;
  simulate::SkyPrior prior;
  bool pixel_window;
  double density;
  simulate::ShapeModel shapes;
  std::uint64_t seed;
  bool real_positions;

  explicit Settings(const config::Values& values)
      : field(values),
        prior(sky_prior(values)),
        pixel_window(values.choice("pixel-window", {"yes", "no"}) == "yes"),
        density(values.number("density", 1e-6, 1e6)),
        shapes{values.number("sigma-e", 0.0, 10.0), values.flag("reduced-shear")},
        seed(values.count("seed", 0, UINT64_MAX)),
        real_positions(values.has("catalogue")) {
    if (!values.has("sky")) require_spectrum(values);
    if (!real_positions && !field.on_sphere() && !(field.center && field.size))
      fail("--center and --npix are needed unless --catalogue gives the galaxies");
  }
};

std::unique_ptr<simulate::SurveyMask> choose_mask(const config::Values& values, const PlaneGrid& field,
                                                  std::uint64_t seed) {
  const std::string name = values.text("mask");
  if (name == "full") return simulate::full_mask();
  if (name == "cosmos-like") return simulate::cosmos_like_mask(field, seed);
  if (name == "des-like") fail("--mask des-like is of the sphere; give --grid healpix, or another mask");
  const io::MapReader file(name);
  const PlaneGrid grid = file.grid();
  if (grid.nx() != field.nx() || grid.ny() != field.ny())
    fail("mask '{}' has {} x {} pixels and the field {} x {}; use the mask's --npix", name, grid.nx(),
         grid.ny(), field.nx(), field.ny());
  return simulate::map_mask(field, file.read_rows(file.find_map("mask"), 0, grid.ny()));
}

void write_catalogue(io::MapWriter& writer, const simulate::MockCatalogue& mock) {
  writer.write_column("/ra", mock.ra, {"deg", "right ascension, ICRS"});
  writer.write_column("/dec", mock.dec, {"deg", "declination, ICRS"});
  writer.write_column("/e1", mock.e1, {"1", "ellipticity, > 0 along East-West"});
  writer.write_column("/e2", mock.e2, {"1", "ellipticity, > 0 along x = y with x West, y North"});
  writer.write_column("/w", mock.weight, {"1", "weight"});
}

void write_truth(io::MapWriter& writer, const survey::SurveySky& field, const simulate::Sky& sky) {
  const auto write = [&](const char* name, const std::vector<double>& map, const char* text) {
    writer.write_map(name, field.shape(), field.stored(map), {"1", text});
  };
  field.describe(writer);
  write("/maps/kappa", sky.kappa, "true convergence");
  write("/maps/gamma1", sky.gamma1, "true shear 1");
  write("/maps/gamma2", sky.gamma2, "true shear 2");
}

/// A sky and what it was made on.
struct SimulatedSky {
  std::unique_ptr<survey::SurveySky> field;
  std::optional<theory::PowerSpectrum> spectrum;
  simulate::Sky sky;
};

void require_memory_of(const mpi::Communicator& comm, PaddedBox box) {
  constexpr double doubles_per_pixel = 24.0;
  require_box_memory(comm, box, doubles_per_pixel);
}

/// Draws the convergence on result.field.
void draw_sky(const mpi::Communicator& comm, const config::Values& values, const Settings& settings,
              harmonic::EllRange range, SimulatedSky& result) {
  std::optional<theory::SourceDistribution> redshifts;
  mpi::collectively(comm, [&] {
    result.spectrum = spectrum_for(values, range);
    redshifts = sources(values);
  });
  const harmonic::HarmonicBasis& basis = result.field->basis();
  simulate::SkyMaker maker(basis, settings.prior, *result.spectrum, redshifts, settings.pixel_window);
  const simulate::SkyParameters parameters = maker.draw_parameters(settings.seed, 0);
  result.sky = simulate::with_shear(basis, maker.kappa(parameters, settings.seed, 0));
}

SimulatedSky draw_plane(const mpi::Communicator& comm, const config::Values& values, const Settings& settings,
                        const PlaneGrid& field) {
  const PaddedBox box = padded_box(field, settings.field.padding);
  require_memory_of(comm, box);
  SimulatedSky result;
  result.field = survey::plane_sky(comm, field, box);
  draw_sky(comm, values, settings, harmonic::PlaneBasis::ell_range(box, field.pixel_radians()), result);
  return result;
}

/// A sky from a file. The map is the periodic box; the field is its corner.
SimulatedSky read_sky(const mpi::Communicator& comm, const config::Values& values, const PlaneGrid& field) {
  const std::string path = values.text("sky");
  const std::uint64_t number = values.count("sky-number", 0, UINT64_MAX);
  std::optional<SkySource> source;
  mpi::collectively(comm, [&] {
    source.emplace(path, "kappa");
    if (number >= source->count())
      fail("'{}' has no sky {}; its skies are 0 to {}", path, number, source->count() - 1);
    if (std::abs(source->pixel_arcmin() / field.pixel_arcmin() - 1.0) > 1e-6)
      fail("the sky of '{}' has pixels of {:.6g} arcmin; use --pixel-arcmin {:.17g}", path,
           source->pixel_arcmin(), source->pixel_arcmin());
    if (source->box().nx < field.nx() || source->box().ny < field.ny())
      fail("the sky of '{}' has {} x {} pixels and the field {} x {}; use a smaller --npix", path,
           source->box().nx, source->box().ny, field.nx(), field.ny());
  });
  if (!source->periodic())
    log::warn("the sky of '{}' is not periodic: near its borders the shear is that of a jump in kappa", path);
  require_memory_of(comm, source->box());
  SimulatedSky result;
  result.field = survey::plane_sky(comm, field, source->box());
  const auto& basis = dynamic_cast<const harmonic::PlaneBasis&>(result.field->basis());
  std::vector<double> kappa;
  mpi::collectively(comm, [&] { kappa = source->read(number, basis); });
  result.sky = simulate::with_shear(basis, std::move(kappa));
  return result;
}

/// A sky of the sphere, drawn or from a HEALPix map.
SimulatedSky make_sphere(const mpi::Communicator& comm, const config::Values& values,
                         const Settings& settings) {
  const std::uint64_t nside = settings.field.nside, lmax = settings.field.lmax;
  constexpr double doubles_per_pixel = 10.0, mode_vectors = 6.0;
  constexpr std::uint64_t tile = 128;
  require_sphere_memory(comm, nside, lmax, doubles_per_pixel, mode_vectors);
  SimulatedSky result;
  result.field = survey::sphere_sky(comm, nside, lmax, std::min(tile, nside));
  const harmonic::HarmonicBasis& basis = result.field->basis();
  if (values.has("sky")) {
    std::vector<double> kappa(basis.pixel_count());
    mpi::collectively(comm, [&] {
      const io::HealpixMap map = io::read_healpix_fits(values.text("sky"), "");
      if (map.nside != nside || !map.pixels.empty())
        fail("the sky of '{}' must be a map of the whole sphere with nside {}; it has nside {}{}",
             values.text("sky"), nside, map.nside, map.pixels.empty() ? "" : " and is a part");
      for (std::size_t p = 0; p < kappa.size(); ++p) kappa[p] = map.values[result.field->number(p)];
      require_convergence(kappa, fmt::format("the sky of '{}'", values.text("sky")));
    });
    simulate::limit_band(basis, kappa);
    result.sky = simulate::with_shear(basis, std::move(kappa));
  } else {
    draw_sky(comm, values, settings, {2.0, static_cast<double>(lmax)}, result);
  }
  // The truth is stored everywhere.
  result.field->set_footprint(std::vector<double>(basis.pixel_count(), 1.0));
  return result;
}

std::unique_ptr<simulate::SphereMask> sphere_mask(const config::Values& values, std::uint64_t seed) {
  const std::string name = values.text("mask");
  if (name == "full") return simulate::full_sky_mask();
  if (name == "des-like") return simulate::des_like_mask(seed);
  if (name == "cosmos-like")
    fail("--mask cosmos-like is of the plane; on the sphere give full, des-like or a file");
  if (!name.ends_with(".h5") && !name.ends_with(".hdf5"))
    return simulate::healpix_mask(io::read_healpix_fits(name, ""));
  const io::MapReader file(name);
  if (!file.on_sphere()) fail("mask '{}' is of the plane; give one of the sphere", name);
  return simulate::healpix_mask({file.nside(), file.pixels(), file.read_values(file.find_map("mask"))});
}

/// Galaxies of the settings on the sky.
simulate::MockCatalogue make_galaxies(const mpi::Communicator& comm, const config::Values& values,
                                      const Settings& settings, const std::optional<PlaneGrid>& plane,
                                      const SimulatedSky& simulated,
                                      const catalogue::ShearCatalogue& galaxies) {
  const harmonic::HarmonicBasis& basis = simulated.field->basis();
  if (settings.real_positions)
    return simulate::turn_galaxies(comm, simulated.field->pixels(), simulated.sky, galaxies, settings.shapes,
                                   settings.seed);
  if (plane) {
    std::unique_ptr<simulate::SurveyMask> mask;
    mpi::collectively(comm, [&] { mask = choose_mask(values, *plane, settings.seed); });
    return simulate::draw_galaxies(dynamic_cast<const harmonic::PlaneBasis&>(basis), *plane, simulated.sky,
                                   *mask, settings.density, settings.shapes, settings.seed);
  }
  std::unique_ptr<simulate::SphereMask> mask;
  mpi::collectively(comm, [&] { mask = sphere_mask(values, settings.seed); });
  return simulate::draw_galaxies(dynamic_cast<const harmonic::SphereBasis&>(basis), simulated.sky, *mask,
                                 settings.density, settings.shapes, settings.seed);
}

void run_simulate(const mpi::Communicator& comm, const config::Values& values) {
  const Settings settings(values);
  io::AtomicFile catalogue_file(comm, values.text("out-catalogue"), values.flag("overwrite"));
  io::AtomicFile truth_file(comm, values.text("out-truth"), values.flag("overwrite"));
  StageClock clock;
  clock.begin("read catalogue");
  catalogue::ShearCatalogue galaxies;
  if (settings.real_positions)
    galaxies = catalogue::read_shear_catalogue(comm, table_location(values), shear_columns(values));
  std::optional<PlaneGrid> plane;
  if (!settings.field.on_sphere()) plane = choose_field(comm, settings.field, galaxies);

  clock.begin("sky");
  const SimulatedSky simulated = !plane              ? make_sphere(comm, values, settings)
                                 : values.has("sky") ? read_sky(comm, values, *plane)
                                                     : draw_plane(comm, values, settings, *plane);
  const theory::PowerSpectrum* const spectrum = simulated.spectrum ? &*simulated.spectrum : nullptr;
  clock.begin("galaxies");
  const simulate::MockCatalogue mock = make_galaxies(comm, values, settings, plane, simulated, galaxies);
  const auto count = comm.sum(static_cast<std::uint64_t>(mock.ra.size()));
  if (count == 0) fail("the mock survey has no galaxy; check --density, --mask, --center and --npix");

  clock.begin("write");
  constexpr std::uint64_t columns = 5, maps = 3;
  io::MapWriter catalogue_writer(comm, catalogue_file, static_cast<double>(columns * count), columns);
  write_catalogue(catalogue_writer, mock);
  write_provenance(catalogue_writer, comm, "simulate", values, spectrum);
  io::MapWriter truth_writer(comm, truth_file, static_cast<double>(maps * simulated.field->stored_pixels()),
                             maps);
  write_truth(truth_writer, *simulated.field, simulated.sky);
  write_provenance(truth_writer, comm, "simulate", values, spectrum);
  catalogue_writer.close();
  clock.end();
  write_usage(truth_writer, comm, clock);
  truth_writer.close();
  catalogue_writer.commit();
  truth_writer.commit();
  log::info("wrote {} ({} galaxies) and {}", catalogue_file.path(), count, truth_file.path());
}

}  // namespace

Application simulate_application() { return {simulate_command(), run_simulate}; }

}  // namespace tessera::apps
