// tessera simulate skies: a set of convergence maps to learn from.
#include <algorithm>
#include <cmath>

#include "apps/command.hpp"
#include "apps/field_options.hpp"
#include "apps/provenance.hpp"
#include "apps/sky_options.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/sky_set.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Draws convergence maps of periodic plane skies and writes them with their parameters and spectra as a "
    "set\n"
    "(HDF5, /skies): what networks are trained on, and what 'tessera compare --skies' measures. Ranks share "
    "the\n"
    "skies; one sky may also be shared by ranks. The same seed gives the same set on any number of ranks.\n\n"
    "example: mpirun -n 4 tessera simulate skies --model halo --count 100 --npix 720 \\\n"
    "           --spectrum data/cl_cosmos_like.txt --nz data/nz_cosmos_like.txt --sigma8 0.7:0.9 --out "
    "skies.h5\n";

config::Command skies_command() {
  std::vector<config::Group> groups = sky_options();
  for (const config::Option& option : spectrum_options()) groups.front().options.push_back(option);
  groups.push_back(
      {"Set",
       {{"count", "N", "number of skies", "16"},
        {"npix", "N[,M]", "pixels of a sky from East to West and, if not as many, from South to North",
         "512"},
        {"pixel-arcmin", "P", "side of a pixel, arcmin", "0.29"},
        {"validation", "F", "part of the skies marked for validation", "0.1"},
        {"test", "F", "part of the skies marked for tests", "0.1"},
        {"first", "N", "number of the first sky: sets of one seed and different numbers share no sky", "0"},
        {"seed", "N", "the same seed gives the same skies on any number of ranks", "1"},
        {"ranks-per-sky", "N", "ranks that share a sky [as few as keep all ranks busy]"},
        {"out", "FILE", "HDF5 file to write"},
        {"overwrite", "", "replace the output file if it exists"}}});
  return {"simulate skies", "a set of convergence maps to learn from", description, groups};
}

struct Settings {
  simulate::SkyPrior prior;
  io::SkySetHeader header;
  GridSize size;
  std::uint64_t first, seed;
  double validation, test;

  explicit Settings(const config::Values& values)
      : prior(sky_prior(values)),
        size(grid_size(values)),
        first(values.count("first", 0, simulate::HaloSkies::max_realisations - 1)),
        seed(values.count("seed", 0, UINT64_MAX)),
        validation(values.number("validation", 0.0, 1.0)),
        test(values.number("test", 0.0, 1.0)) {
    require_spectrum(values);
    const std::uint64_t count = values.count("count", 1, simulate::HaloSkies::max_realisations - first);
    if (validation + test > 1.0)
      fail("--validation {} and --test {} are more than all skies together", validation, test);
    const bool averaged = values.choice("pixel-window", {"yes", "no"}) == "yes";
    header = {count,
              size.ny,
              size.nx,
              values.number("pixel-arcmin", 1e-3, 600.0),
              true,
              averaged,
              "tessera simulate skies, " + values.text("model"),
              simulate::parameter_names(),
              {}};
  }

  [[nodiscard]] io::Split split(std::uint64_t sky) const {
    const auto share = [&](double part) { return std::llround(part * static_cast<double>(header.count)); };
    const auto from_end = static_cast<long long>(header.count - sky);
    if (from_end <= share(test)) return io::Split::test;
    return from_end <= share(test) + share(validation) ? io::Split::validation : io::Split::train;
  }
};

/// How ranks share skies: groups of equal size (the last may be larger), each with one sky at a time.
struct Groups {
  std::uint64_t count;
  std::uint64_t mine;

  Groups(const mpi::Communicator& comm, const config::Values& values, std::uint64_t skies) {
    const auto ranks = static_cast<std::uint64_t>(comm.size());
    const std::uint64_t size = values.has("ranks-per-sky") ? values.count("ranks-per-sky", 1, ranks)
                                                           : std::max<std::uint64_t>(1, ranks / skies);
    count = ranks / size;
    mine = std::min(static_cast<std::uint64_t>(comm.rank()) / size, count - 1);
  }
};

/// The set's tables, filled by each group for its own skies and added up: every entry has one group.
class Tables {
 public:
  Tables(const Settings& settings, const io::SkySetHeader& header) : header_(&header) {
    tables_.parameters.resize(header.count * header.parameter_names.size());
    tables_.c_ell.resize(header.count * header.ell.size());
    for (std::uint64_t sky = 0; sky < header.count; ++sky) {
      tables_.split.push_back(settings.split(sky));
      tables_.realisation.push_back(settings.first + sky);
    }
  }
  void fill(std::uint64_t sky, const simulate::SkyParameters& parameters,
            const theory::PowerSpectrum& spectrum) {
    const auto values = simulate::parameter_values(parameters);
    std::copy(values.begin(), values.end(),
              tables_.parameters.begin() + static_cast<long>(sky * values.size()));
    const auto& c_ell = spectrum.c_ell();
    std::copy(c_ell.begin(), c_ell.end(), tables_.c_ell.begin() + static_cast<long>(sky * c_ell.size()));
  }
  [[nodiscard]] const io::SkySetTables& gathered(const mpi::Communicator& comm) {
    comm.sum(std::span(tables_.parameters));
    comm.sum(std::span(tables_.c_ell));
    return tables_;
  }

 private:
  const io::SkySetHeader* header_;
  io::SkySetTables tables_;
};

void run_simulate_skies(const mpi::Communicator& comm, const config::Values& values) {
  Settings settings(values);
  io::SkySetHeader& header = settings.header;
  const Groups groups(comm, values, header.count);
  io::AtomicFile file(comm, values.text("out"), values.flag("overwrite"));
  const PaddedBox box{header.nx, header.ny};
  const double pixel = PlaneGrid({0.0, 0.0}, header.nx, header.ny, header.pixel_arcmin).pixel_radians();
  std::optional<theory::PowerSpectrum> spectrum;
  std::optional<theory::SourceDistribution> redshifts;
  mpi::collectively(comm, [&] {
    spectrum = spectrum_for(values, box, pixel);
    redshifts = sources(values);
  });
  header.ell = spectrum->ell();
  const mpi::Communicator group = comm.split(static_cast<int>(groups.mine));
  constexpr double doubles_per_pixel = 10.0;  // measured: 8.6 with haloes, 7.5 without
  const auto rows = BlockDistribution(box.ny, group.size()).block();
  mpi::require_memory(comm, doubles_per_pixel * sizeof(double) * static_cast<double>(rows * box.nx),
                      fmt::format("a sky of {} x {} pixels on {} ranks", box.nx, box.ny, group.size()));

  StageClock clock;
  clock.begin("skies");
  const harmonic::PlaneBasis basis(group, box, pixel);
  simulate::SkyMaker maker(basis, settings.prior, *spectrum, std::move(redshifts), header.pixel_averaged);
  io::SkySetWriter writer(comm, file, header);
  Tables tables(settings, header);
  log::Progress progress("skies", header.count);
  for (std::uint64_t done = 0; done < header.count; done += groups.count) {
    const std::uint64_t sky = done + groups.mine;
    std::vector<double> kappa;
    mpi::collectively(comm, [&] {
      if (sky >= header.count) return;
      const auto number = static_cast<std::uint32_t>(settings.first + sky);
      const simulate::SkyParameters parameters = maker.draw_parameters(settings.seed, number);
      kappa = maker.kappa(parameters, settings.seed, number);
      if (group.is_root()) tables.fill(sky, parameters, maker.spectrum(parameters));
    });
    writer.write(std::min(sky, header.count - 1), {kappa, basis.first_row(), kappa.empty() ? 0 : basis.nx()});
    progress.set(static_cast<double>(std::min(done + groups.count, header.count)) /
                 static_cast<double>(header.count));
  }
  clock.begin("write");
  writer.write_tables(tables.gathered(comm));
  write_provenance(writer.file(), comm, "simulate skies", values, &*spectrum);
  clock.end();
  write_usage(writer.file(), comm, clock);
  writer.commit();
  log::info("wrote {} skies of {} x {} pixels to {}", header.count, header.nx, header.ny, file.path());
}

}  // namespace

Application simulate_skies_application() { return {skies_command(), run_simulate_skies}; }

}  // namespace tessera::apps
