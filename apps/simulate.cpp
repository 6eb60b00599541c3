// tessera simulate: a mock survey, its catalogue and the truth behind it.
#include <filesystem>

#include "apps/catalogue_options.hpp"
#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/provenance.hpp"
#include "apps/sky_options.hpp"
#include "apps/sky_source.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
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
    "examples: tessera simulate --spectrum cl.txt --center 150,2 --npix 360 --mask cosmos-like --density 70\n"
    "            --out-catalogue mock.h5 --out-truth truth.h5\n"
    "          tessera simulate --sky skies.h5 --sky-number 7 --catalogue cosmos.fits --npix 360 ...\n\n"
    "'tessera simulate skies' makes sets of skies without galaxies.\n";

std::vector<config::Group> simulate_options() {
  std::vector<config::Group> groups{{"Field", field_options()}};
  groups.front().options.push_back(
      {"sky", "FILE.h5", "take the convergence from a set of skies, or from /maps/kappa of a file of maps"});
  groups.front().options.push_back({"sky-number", "K", "which sky of the set, from 0", "0"});
  for (const config::Group& group : sky_options()) groups.push_back(group);
  for (const config::Option& option : spectrum_options()) groups[1].options.push_back(option);
  groups.push_back({"Galaxies",
                    {{"density", "N", "galaxies per arcmin^2", "70"},
                     {"sigma-e", "S", "dispersion of the intrinsic ellipticity per component", "0.3"},
                     {"mask", "full|cosmos-like|FILE.h5",
                      "where there are galaxies; a file's /data/mask is taken", "full"},
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
    if (!real_positions && !(field.center && field.size))
      fail("--center and --npix are needed unless --catalogue gives the galaxies");
    if (std::filesystem::weakly_canonical(values.text("out-catalogue")) ==
        std::filesystem::weakly_canonical(values.text("out-truth")))
      fail("--out-catalogue and --out-truth are the same file '{}'; give two names",
           values.text("out-truth"));
  }
};

std::unique_ptr<simulate::SurveyMask> choose_mask(const config::Values& values, const PlaneGrid& field,
                                                  std::uint64_t seed) {
  const std::string name = values.text("mask");
  if (name == "full") return simulate::full_mask();
  if (name == "cosmos-like") return simulate::cosmos_like_mask(field, seed);
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

void write_truth(io::MapWriter& writer, const PlaneGrid& field, const harmonic::PlaneBasis& basis,
                 const simulate::Sky& sky) {
  const auto rows = [&](const std::vector<double>& map) {
    return io::BoxRows{map, basis.first_row(), basis.nx()};
  };
  writer.write_wcs(field);
  writer.write_map("/maps/kappa", field, rows(sky.kappa), {"1", "true convergence"});
  writer.write_map("/maps/gamma1", field, rows(sky.gamma1), {"1", "true shear 1"});
  writer.write_map("/maps/gamma2", field, rows(sky.gamma2), {"1", "true shear 2"});
}

/// The convergence of the field and of the box around it.
struct SimulatedSky {
  std::unique_ptr<harmonic::PlaneBasis> basis;
  std::optional<theory::PowerSpectrum> spectrum;
  simulate::Sky sky;
};

void require_memory_of(const mpi::Communicator& comm, PaddedBox box) {
  constexpr double doubles_per_pixel = 24.0;
  require_box_memory(comm, box, doubles_per_pixel);
}

SimulatedSky draw_sky(const mpi::Communicator& comm, const config::Values& values, const Settings& settings,
                      const PlaneGrid& field) {
  const PaddedBox box = padded_box(field, settings.field.padding);
  require_memory_of(comm, box);
  SimulatedSky result;
  std::optional<theory::SourceDistribution> redshifts;
  mpi::collectively(comm, [&] {
    result.spectrum = spectrum_for(values, box, field.pixel_radians());
    redshifts = sources(values);
  });
  result.basis = std::make_unique<harmonic::PlaneBasis>(comm, box, field.pixel_radians());
  simulate::SkyMaker maker(*result.basis, settings.prior, *result.spectrum, redshifts, settings.pixel_window);
  const simulate::SkyParameters parameters = maker.draw_parameters(settings.seed, 0);
  result.sky = simulate::with_shear(*result.basis, maker.kappa(parameters, settings.seed, 0));
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
  result.basis = std::make_unique<harmonic::PlaneBasis>(comm, source->box(), field.pixel_radians());
  std::vector<double> kappa;
  mpi::collectively(comm, [&] { kappa = source->read(number, *result.basis); });
  result.sky = simulate::with_shear(*result.basis, std::move(kappa));
  return result;
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
  const PlaneGrid field = choose_field(comm, settings.field, galaxies);

  clock.begin("sky");
  const SimulatedSky simulated =
      values.has("sky") ? read_sky(comm, values, field) : draw_sky(comm, values, settings, field);
  const harmonic::PlaneBasis& basis = *simulated.basis;
  const simulate::Sky& sky = simulated.sky;
  const theory::PowerSpectrum* const spectrum = simulated.spectrum ? &*simulated.spectrum : nullptr;
  clock.begin("galaxies");
  simulate::MockCatalogue mock;
  if (settings.real_positions) {
    mock = simulate::turn_galaxies(basis, field, sky, galaxies, settings.shapes, settings.seed);
  } else {
    std::unique_ptr<simulate::SurveyMask> mask;
    mpi::collectively(comm, [&] { mask = choose_mask(values, field, settings.seed); });
    mock =
        simulate::draw_galaxies(basis, field, sky, *mask, settings.density, settings.shapes, settings.seed);
  }
  const auto count = comm.sum(static_cast<std::uint64_t>(mock.ra.size()));
  if (count == 0) fail("the mock survey has no galaxy; check --density, --mask, --center and --npix");

  clock.begin("write");
  constexpr std::uint64_t columns = 5, maps = 3;
  io::MapWriter catalogue_writer(comm, catalogue_file, static_cast<double>(columns * count), columns);
  write_catalogue(catalogue_writer, mock);
  write_provenance(catalogue_writer, comm, "simulate", values, spectrum);
  io::MapWriter truth_writer(comm, truth_file, static_cast<double>(maps * field.nx() * field.ny()), maps);
  write_truth(truth_writer, field, basis, sky);
  write_provenance(truth_writer, comm, "simulate", values, spectrum);
  catalogue_writer.commit();
  truth_writer.commit();
  clock.end();
  log::info("wrote {} ({} galaxies) and {}", catalogue_file.path(), count, truth_file.path());
}

}  // namespace

Application simulate_application() { return {simulate_command(), run_simulate}; }

}  // namespace tessera::apps
