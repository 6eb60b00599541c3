#pragma once

#include <optional>
#include <string>

#include "apps/posterior_record.hpp"
#include "harmonic/harmonic_basis.hpp"
#include "io/checkpoints.hpp"
#include "posterior/sampler.hpp"

namespace tessera::apps {

/// What a run that samples holds between two trajectories of a burn-in or between two samples.
struct PosteriorProgress {
  std::uint32_t chain;                         // that is sampled
  double step;                                 // leapfrog step in use
  std::optional<posterior::ChainState> state;  // of the chain, once it has begun
  PosteriorRecord finished, current;           // of the chains that are complete, and of `chain`
};

/// What a run makes of itself, and a checkpoint of it has.
struct PosteriorShape {
  std::uint32_t chains, samples;  // samples of a chain
  std::uint32_t components;       // of the chain's state, in units of modes
  std::size_t columns;            // of a row of figures
};

/// Which run a checkpoint belongs to.
struct PosteriorIdentity {
  std::string text;           // what a run that goes on must share with the one that was stopped
  std::string configuration;  // of `map`, lines name = value
};

/// Of a run's checkpoints.
[[nodiscard]] io::CheckpointHead posterior_head(const PosteriorIdentity& identity);

/// Writes `file`, whole or not at all. Its arrays are in the order of the global indices, so a run may go on
/// with another number of ranks. Collective.
void write_posterior_checkpoint(const harmonic::HarmonicBasis& basis, io::AtomicFile& file,
                                const PosteriorIdentity& identity, const PosteriorProgress& progress);

/// Size of such a file with so many samples, bytes. stored: pixels that files hold over all ranks; scales: of
/// detections. Collective.
[[nodiscard]] double posterior_checkpoint_bytes(const harmonic::HarmonicBasis& basis, double stored,
                                                double samples, std::size_t scales);

/// Reads it, once it is known to be whole and of this run (io/checkpoints.hpp), into `progress`, whose
/// records are without samples and have the sizes that are expected. Error if what it holds does not fit
/// together. Collective.
void read_posterior_checkpoint(const harmonic::HarmonicBasis& basis, const std::string& path,
                               const PosteriorShape& shape, PosteriorProgress& progress);

/// The file of a chain that is sampled on its own for the maps `out`: the checkpoint after its last sample.
[[nodiscard]] std::string chain_file(const std::string& out, std::uint32_t chain);

/// The configuration that such a file was made with. On this rank alone.
[[nodiscard]] std::string posterior_configuration(const std::string& path);

}  // namespace tessera::apps
