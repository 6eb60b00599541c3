#include "apps/training_run.hpp"

#include <cmath>

#include "apps/input_files.hpp"
#include "apps/provenance.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/version.hpp"
#include "mpi/agreement.hpp"
#include "network/checkpoint.hpp"
#include "network/model_file.hpp"
#include "network/runtime.hpp"

namespace tessera::apps {
namespace {

/// What a training that goes on must share with the one that was stopped.
std::string identity(const config::Values& values) {
  config::Values same = values;
  for (const char* const name :
       {"resume", "overwrite", "out", "test-surveys", "test-densities", "quiet", "verbose"})
    same.erase(name);
  return same.resolved() + contents_of_inputs(same);
}

}  // namespace

network::UNetOptions unet_options(const config::Values& values, std::int64_t inputs, std::int64_t outputs,
                                  bool conditioned) {
  network::UNetOptions options;
  options.inputs = inputs;
  options.outputs = outputs;
  options.conditioned = conditioned;
  options.channels.clear();
  for (const double channels : values.numbers("channels")) {
    if (!(channels >= 1.0 && channels <= 4096.0 && channels == std::floor(channels)))
      fail("--channels has the entry {}; whole numbers from 1 to 4096 are expected", channels);
    options.channels.push_back(static_cast<std::int64_t>(channels));
  }
  options.blocks = static_cast<std::int64_t>(values.count("blocks", 1, 64));
  return options;
}

network::TrainingOptions training_options(const config::Values& values) {
  network::TrainingOptions options;
  options.steps = values.count("steps", 1, 100000000);
  options.batch = values.count("batch", 1, 4096);
  options.learning_rate = values.number("learning-rate", 1e-8, 1.0);
  options.warmup = values.count("warmup", 0, 100000000);
  options.average = values.number("average", 0.0, 0.999999);
  options.validate = values.count("validate", 1, 100000000);
  options.patience = values.count("patience", 1, 1000000);
  return options;
}

network::UNet new_network(const network::UNetOptions& options, std::uint64_t seed, const std::string& skies) {
  torch::manual_seed(seed);
  network::UNet net(options);
  log::info("network: {} weights, {:.0f} kFLOP a pixel, receptive radius {} pixels; skies: {}",
            network::flat_parameters(*net).size(), 1e-3 * net->flops_per_pixel(), net->receptive_radius(),
            skies);
  return net;
}

void require_skies(const harmonic::PlaneBasis& basis, const network::NetworkShape& shape) {
  const auto unit = static_cast<std::uint64_t>(shape.alignment);
  const std::uint64_t least = std::min(basis.nx(), basis.ny());
  if (basis.nx() % unit != 0 || basis.ny() % unit != 0)
    fail(
        "the skies have {} x {} pixels, which the network cannot halve to multiples of {}; choose other "
        "skies "
        "or fewer --channels",
        basis.nx(), basis.ny(), shape.alignment);
  if (static_cast<std::uint64_t>(shape.receptive_radius) + unit > least)
    fail("the network reaches {} pixels, farther than the skies' {}; choose larger skies or fewer --channels",
         shape.receptive_radius, least);
}

std::uint64_t sphere_side(std::uint64_t side, const harmonic::SphereBasis& basis,
                          const network::NetworkShape& shape) {
  const std::uint64_t nside = basis.grid().nside(), chosen = std::min(side, nside);
  const auto unit = static_cast<std::uint64_t>(shape.alignment),
             halo = static_cast<std::uint64_t>(shape.halo());
  if (chosen == 0 || (chosen & (chosen - 1)) != 0 || chosen % unit != 0)
    fail("--cutout {} does not suit nside {}: give a power of two from {}", side, nside, unit);
  if (halo > nside)
    fail(
        "the network reaches {} pixels, farther than a face of nside {}; choose finer pixels or fewer "
        "--channels",
        halo, nside);
  return chosen;
}

exchange::Tiling whole_sphere(const harmonic::SphereBasis& basis, std::uint64_t side,
                              const network::NetworkShape& shape) {
  const SphereTiles tiles(basis.grid(), side, static_cast<std::uint64_t>(shape.halo()));
  return exchange::sphere_tiling(tiles, basis.rings(), 0, true);
}

network::ModelCard card_of(const std::string& kind, const config::Values& values, const SkyFacts& skies,
                           const network::UNetImpl& net) {
  network::ModelCard card;
  card.kind = kind;
  card.version = version();
  card.skies = skies.description;
  card.command = "tessera train " + kind + "; " + values.resolved();
  card.pixel_arcmin = skies.pixel_arcmin;
  card.lmax = skies.lmax;
  const network::NetworkShape shape = net.shape();
  card.inputs = shape.inputs;
  card.outputs = shape.outputs;
  card.alignment = shape.alignment;
  card.receptive_radius = shape.receptive_radius;
  const theory::PowerSpectrum& spectrum = *skies.spectrum;
  // A spectrum's large scales matter on the sphere, where small ones end at lmax.
  const double lowest = skies.lmax > 0 ? 5.0 : 100.0,
               highest = skies.lmax > 0 ? static_cast<double>(skies.lmax) : 20000.0;
  for (double ell = lowest; ell <= highest; ell *= 1.3) {
    if (ell < spectrum.ell().front() || ell > spectrum.ell().back()) continue;
    card.ell.push_back(ell);
    card.c_ell.push_back(spectrum(ell));
  }
  return card;
}

TrainingRun::TrainingRun(const mpi::Communicator& comm, const config::Values& values, io::AtomicFile& file,
                         network::UNet net, network::LossFunction loss,
                         const network::TrainingOptions& options)
    : comm_(&comm),
      values_(values),
      file_(&file),
      net_(std::move(net)),
      trainer_(comm, net_, std::move(loss), options),
      head_(network::training_head(identity(values))),
      checkpoints_(comm, file.path() + ".checkpoint", head_) {
  const mpi::NodePlace node = comm.place_on_node();
  mpi::collectively(comm, [&] { net_->move_to(network::chosen_device(values.text("device"), node.rank)); });
  if (values.flag("resume"))
    go_on();
  else
    checkpoints_.require_none(values.flag("overwrite"));
}

void TrainingRun::go_on() {
  const std::string path = checkpoints_.resume([&](const std::string& name) {
    network::TrainingState state;
    mpi::collectively(
        *comm_, [&] { state = network::read_checkpoint(name, network::flat_parameters(*net_).size()); });
    trainer_.resume(std::move(state));
  });
  if (!path.empty()) log::info("going on from step {} of {}", trainer_.state().step, path);
}

void TrainingRun::run(const network::Trainer::ExampleSource& training,
                      const std::vector<network::Example>& held_out, std::uint64_t held_out_count,
                      const std::string& figure) {
  const auto tell_and_save = [&] {
    const network::HistoryRow& row = trainer_.state().history.back();
    log::info("step {:6.0f}: loss {:.4f}, held-out {:.4f}, {} {:.4f}", row.step, row.training, row.validation,
              figure, std::sqrt(row.validation_mean_square));
    static_cast<void>(save_checkpoint());  // it says why it could not
  };
  trainer_.run(training, held_out, held_out_count, tell_and_save, [&] { heed_requests(); });
}

void TrainingRun::heed_requests() const {
  const mpi::Requests asked = mpi::agreed_requests(*comm_);
  if (!asked.checkpoint && !asked.end) return;
  const bool saved = save_checkpoint();
  if (saved) log::info("checkpoint {} after step {}", checkpoints_.path(), trainer_.state().step);
  if (asked.end) checkpoints_.end(saved, fmt::format("step {}", trainer_.state().step));
}

bool TrainingRun::save_checkpoint() const {
  const network::TrainingState& state = trainer_.state();
  return checkpoints_.save([&](io::AtomicFile& file) {
    io::MapWriter writer(*comm_, file, 5.0 * static_cast<double>(state.weights.size()), 8);
    io::begin_checkpoint(writer, file, head_);
    network::write_checkpoint(writer, state);
    writer.commit();
  });
}

void TrainingRun::write(const network::ModelCard& card, const theory::PowerSpectrum& spectrum,
                        StageClock& clock) {
  clock.begin("write");
  io::MapWriter writer(*comm_, *file_, static_cast<double>(trainer_.state().weights.size()), 6);
  network::write_model(writer, card, *net_);
  writer.create_group("/training");
  network::write_history(writer, trainer_.state().history);
  write_provenance(writer, *comm_, "train " + card.kind, values_, &spectrum);
  clock.end();
  write_usage(writer, *comm_, clock);
  writer.commit();
  checkpoints_.remove();
  log::info("wrote {}", file_->path());
}

}  // namespace tessera::apps
