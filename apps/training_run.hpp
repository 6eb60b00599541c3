#pragma once

#include <string>
#include <vector>

#include "apps/stage_clock.hpp"
#include "apps/training_skies.hpp"
#include "exchange/tiling.hpp"
#include "harmonic/sphere_basis.hpp"
#include "io/checkpoints.hpp"
#include "network/model_card.hpp"
#include "network/training.hpp"

namespace tessera::apps {

// What the commands that train have in common, whatever they train.

/// The network of --channels and --blocks.
[[nodiscard]] network::UNetOptions unet_options(const config::Values& values, std::int64_t inputs,
                                                std::int64_t outputs, bool conditioned);
/// Its training.
[[nodiscard]] network::TrainingOptions training_options(const config::Values& values);

/// A network that has learned nothing yet; says what it is.
[[nodiscard]] network::UNet new_network(const network::UNetOptions& options, std::uint64_t seed,
                                        const std::string& skies);

/// Error unless the network can be trained on whole skies of the basis.
void require_skies(const harmonic::PlaneBasis& basis, const network::NetworkShape& shape);

/// Side of the tiles of a sphere that examples are, at most `side` and nside; Error if it does not suit the
/// network.
[[nodiscard]] std::uint64_t sphere_side(std::uint64_t side, const harmonic::SphereBasis& basis,
                                        const network::NetworkShape& shape);
/// Tiles over a whole sphere of one rank.
[[nodiscard]] exchange::Tiling whole_sphere(const harmonic::SphereBasis& basis, std::uint64_t side,
                                            const network::NetworkShape& shape);

/// What skies a network was trained on.
struct SkyFacts {
  std::string description;
  double pixel_arcmin;
  std::uint64_t lmax;  // 0 on the plane
  const theory::PowerSpectrum* spectrum;
};

/// The card but for what the network is worth.
[[nodiscard]] network::ModelCard card_of(const std::string& kind, const config::Values& values,
                                         const SkyFacts& skies, const network::UNetImpl& net);

/// A training with its checkpoints beside the model file, and the file at its end.
class TrainingRun {
 public:
  /// comm and file must outlive it. Collective.
  TrainingRun(const mpi::Communicator& comm, const config::Values& values, io::AtomicFile& file,
              network::UNet net, network::LossFunction loss, const network::TrainingOptions& options);

  /// figure: what the root of an example's mean square is, for people. EndedOnRequest if a signal asked for
  /// an end; then the checkpoint holds what there is. Collective.
  void run(const network::Trainer::ExampleSource& training, const std::vector<network::Example>& held_out,
           std::uint64_t held_out_count, const std::string& figure);

  /// Saves a checkpoint if a signal asked for one; EndedOnRequest if it asked for an end. After each step
  /// run() does so itself. Collective.
  void heed_requests() const;

  /// Writes and commits the model, and removes the checkpoints. Collective.
  void write(const network::ModelCard& card, const theory::PowerSpectrum& spectrum, StageClock& clock);

 private:
  void go_on();
  [[nodiscard]] bool save_checkpoint() const;

  const mpi::Communicator* comm_;
  config::Values values_;
  io::AtomicFile* file_;
  network::UNet net_;
  network::Trainer trainer_;
  io::CheckpointHead head_;
  io::Checkpoints checkpoints_;
};

}  // namespace tessera::apps
