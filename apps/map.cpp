// tessera map: from a shear catalogue to convergence maps.
#include "apps/map.hpp"

#include <filesystem>

#include "apps/catalogue_options.hpp"
#include "apps/command.hpp"
#include "apps/map_products.hpp"
#include "apps/model_gate.hpp"
#include "apps/posterior_products.hpp"
#include "apps/provenance.hpp"
#include "apps/rehearsal.hpp"
#include "catalogue/binning.hpp"
#include "core/error.hpp"
#include "core/interruption.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"

namespace tessera::apps {
namespace {

void report_rows(const catalogue::ShearMaps& data) {
  const catalogue::RowCounts& rows = data.counts;
  log::info("catalogue: {} rows, {} galaxies used", rows.total, rows.used());
  const auto left_out = [](std::uint64_t count, const char* reason) {
    if (count > 0) log::info("  left out: {} {}", count, reason);
  };
  left_out(rows.not_finite, "not finite or null");
  left_out(rows.bad_position, "with |ra| > 360 or |dec| > 90 degrees");
  left_out(rows.zero_weight, "of zero weight");
  left_out(rows.negative_weight, "of negative weight");
  left_out(rows.off_grid, "off the grid");
  log::info("sigma_e = {:.4f} per component ({})", data.sigma_e,
            data.sigma_e_measured ? "measured" : "given");
}

/// Doubles that each box pixel needs on its rank: sums and maps of the binning, Fourier buffers and mode
/// tables (a mode pair a pixel), vectors of the solver. Measured: 31.4 at
/// the peak of a box of 2048 x 2048.
constexpr double doubles_per_pixel = 33.0;

/// Doubles more for samples: state, momentum, gradients and noise of two fields, tables of the descent, sums
/// over samples. Counted.
constexpr double sampler_doubles_per_pixel = 70.0;

/// Doubles more for a network: its inputs, outputs and their exchange. Counted.
constexpr double network_doubles_per_pixel = 16.0;

/// Maps that the run will write, for the disk space they need.
std::uint64_t map_count(const MapSettings& settings) {
  return 10 + (settings.deepmass ? 2 : 0) + (settings.save_samples ? settings.samples : 0) +
         settings.points.maps() + (settings.posterior ? posterior_map_count(*settings.posterior) : 0);
}

/// The sky that the galaxies are binned on. Error if the ranks cannot hold it. Collective.
Survey choose_sky(const mpi::Communicator& comm, const MapSettings& settings,
                  const catalogue::ShearCatalogue& galaxies) {
  Survey survey;
  const double sampler = settings.sampler ? sampler_doubles_per_pixel : 0.0;
  const double network = settings.deepmass || settings.sampler ? network_doubles_per_pixel : 0.0;
  if (settings.field.on_sphere()) {
    // Maps as on the plane; a mode takes two doubles, and there are fewer of them than pixels.
    constexpr double maps = 22.0, vectors = 12.0;
    require_sphere_memory(comm, settings.field.nside, settings.field.lmax, maps + network + 0.3 * sampler,
                          vectors + 0.5 * sampler, settings.ring_blocks);
    survey.sky = survey::sphere_sky(comm, settings.field.nside, settings.field.lmax, settings.tile,
                                    settings.ring_blocks);
    return survey;
  }
  const PlaneGrid field = choose_field(comm, settings.field, galaxies);
  survey.plane = {field, padded_box(field, settings.field.padding)};
  require_box_memory(comm, survey.plane->box, doubles_per_pixel + network + sampler);
  survey.sky = survey::plane_sky(comm, field, survey.plane->box);
  return survey;
}

/// What a spectrum must cover.
harmonic::EllRange ell_range(const Survey& survey) {
  if (survey.plane)
    return harmonic::PlaneBasis::ell_range(survey.plane->box, survey.plane->grid.pixel_radians());
  return {2.0, static_cast<double>(survey.sky->lmax())};
}

/// The file that a run writes: of maps, or of one chain. That of a dry run does not stay.
std::string output_of(const MapSettings& settings, const config::Values& values) {
  const std::string out = values.text("out");
  const std::string path =
      settings.posterior && settings.posterior->chain ? chain_file(out, *settings.posterior->chain) : out;
  return values.flag("dry-run") ? path + ".dry_run" : path;
}

/// Writes the configuration as the run resolved it.
void write_sources(const mpi::Communicator& comm, const config::Values& values, const Survey& survey,
                   const MapSettings& settings, const theory::PowerSpectrum* spectrum, const ModelGate& gate,
                   const ScoreModel* score, io::MapWriter& writer) {
  config::Values resolved = values;
  if (survey.plane) {
    const PlaneGrid& field = survey.plane->grid;
    resolved.set("center", fmt::format("{:.17g},{:.17g}", field.centre().ra, field.centre().dec));
    resolved.set("npix", fmt::format("{},{}", field.nx(), field.ny()));
  } else {
    resolved.set("lmax", fmt::format("{}", survey.sky->lmax()));
  }
  if (settings.automatic)
    resolved.set("methods", gate.model() != nullptr ? "ks,wiener,deepmass" : "ks,wiener");
  if (gate.model() != nullptr) resolved.set("model", gate.model()->path());
  if (score != nullptr) resolved.set("score-model", score->path());
  if (survey.sky->ring_blocks() > 0) resolved.set("ring-blocks", std::to_string(survey.sky->ring_blocks()));
  write_provenance(writer, comm, "map", resolved, spectrum);
  if (gate.model() != nullptr) writer.attribute("/provenance", "model_checksum", gate.model()->checksum());
  if (score != nullptr) writer.attribute("/provenance", "score_checksum", score->checksum());
}

/// What a run says of itself in the end.
void tell_usage(const mpi::Communicator& comm, const StageClock& clock) {
  Usage sum;
  for (const StageClock::Stage& stage : clock.stages()) sum += stage.usage;
  log::info("took {:.1f} s; a rank had at most {:.3f} GB and sent {:.2f} MB to others", comm.max(sum.seconds),
            comm.max(mpi::peak_memory()) * 1e-9, comm.max(sum.bytes) * 1e-6);
}

/// How maps are made: by `settings`, for a run that `whole` describes.
struct Work {
  const MapSettings &whole, &settings;
  ModelGate& gate;
  const ScoreModel* score;
  ChainSource chains;
};

/// Makes the file of maps; the residuals of the Wiener filter.
std::vector<double> write_maps(const mpi::Communicator& comm, const config::Values& values, const Work& work,
                               const Survey& survey, const std::optional<theory::PowerSpectrum>& spectrum,
                               io::AtomicFile& file, StageClock& clock) {
  const MapSettings& settings = work.settings;
  const survey::SurveySky& sky = *survey.sky;
  const std::uint64_t maps = map_count(work.whole);
  const std::size_t table = spectrum ? 2 * spectrum->ell().size() : 0;
  io::MapWriter writer(comm, file, static_cast<double>(maps * sky.stored_pixels() + table), maps);
  sky.describe(writer);
  MapProducts products(settings, survey, writer, clock);
  if (work.gate.model() != nullptr) work.gate.check(sky, products.noise_level(*work.gate.model()), *spectrum);
  const DeepMassModel* const model = work.gate.model();  // if the check has left it
  if (settings.wiener && settings.tile_wiener) products.require_windows(*spectrum, model);
  products.write_data();
  if (settings.kaiser_squires) products.write_kaiser_squires();
  if (settings.wiener) products.write_wiener(*spectrum, model);
  if (settings.sampler) products.write_beyond_gaussian(*spectrum, work.score, work.chains);
  clock.begin("write provenance");
  write_sources(comm, values, survey, settings, spectrum ? &*spectrum : nullptr, work.gate, work.score,
                writer);
  clock.end();
  write_usage(writer, comm, clock);
  writer.commit();
  return products.residuals();
}

/// Bytes of a dry run's file, which is removed. Collective.
double take_size(const mpi::Communicator& comm, const std::string& path) {
  double size = 0.0;
  mpi::collectively(comm, [&] {
    if (!comm.is_root()) return;
    size = static_cast<double>(std::filesystem::file_size(path));
    std::filesystem::remove(path);
  });
  return comm.sum(size);
}

}  // namespace

void make_maps(const mpi::Communicator& comm, const config::Values& values, ChainSource chains) {
  const bool rehearsed = values.flag("dry-run");
  const MapSettings whole(values), settings = rehearsed ? whole.shortened() : whole;
  if (settings.posterior && chains == ChainSource::sampling && !rehearsed) interruption::listen();
  StageClock clock;
  io::AtomicFile file(comm, output_of(settings, values), values.flag("overwrite") || rehearsed);

  clock.begin("read catalogue");
  const auto galaxies = catalogue::read_shear_catalogue(comm, table_location(values), shear_columns(values));
  clock.begin("plan");
  Survey survey = choose_sky(comm, settings, galaxies);
  const survey::SurveySky& sky = *survey.sky;
  std::optional<theory::PowerSpectrum> spectrum;
  if (settings.needs_spectrum())
    mpi::collectively(comm, [&] { spectrum = spectrum_for(values, ell_range(survey)); });
  ModelGate gate(comm, settings);
  if (gate.model() != nullptr) gate.check(sky, 0.0, *spectrum);
  std::unique_ptr<ScoreModel> score;
  if (settings.sampler && !settings.sampler->model.empty())
    score = checked_score(comm, settings, sky, *spectrum);
  clock.begin("bin galaxies");
  survey.data = catalogue::bin_galaxies(comm, galaxies, sky.pixels(), settings.sigma_e);
  survey.sky->set_footprint(survey.data.count);
  report_rows(survey.data);
  log::info("{}", sky.description());
  std::optional<log::Hush> hush;
  std::vector<double> residuals;
  if (rehearsed) {
    log::info("dry run: a shortened run is timed; nothing will be left of it");
    hush.emplace();
  }
  if (settings.posterior && settings.posterior->chain) {
    write_chain(posterior_problem(settings, survey, *spectrum, score.get()), *settings.posterior,
                *settings.sampler, file, clock);
  } else {
    residuals =
        write_maps(comm, values, {whole, settings, gate, score.get(), chains}, survey, spectrum, file, clock);
  }
  hush.reset();
  if (rehearsed) {
    Rehearsal(whole, settings).report(sky, clock, residuals, take_size(comm, file.path()));
    return;
  }
  if (settings.posterior && chains == ChainSource::sampling) remove_checkpoints(comm, file.path());
  tell_usage(comm, clock);
  log::info("wrote {}", file.path());
}

Application map_application() {
  return {map_command(),
          [](const mpi::Communicator& comm, const config::Values& values) {
            make_maps(comm, values, ChainSource::sampling);
          },
          wants_networks};
}

}  // namespace tessera::apps
