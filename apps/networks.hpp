#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/options.hpp"
#include "inference/tile_wiener.hpp"
#include "io/map_writer.hpp"
#include "mpi/communicator.hpp"
#include "network/model_card.hpp"
#include "posterior/residual_score.hpp"
#include "survey/survey_sky.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

// LibTorch adds half a second to a program's start. So there are two programs from one source: `tessera`,
// without it, and `tessera-networks`, with it, which the first turns into when a command line needs networks.

/// A network from a model file, for the commands.
class NetworkModel {
 public:
  NetworkModel() = default;
  NetworkModel(const NetworkModel&) = delete;
  NetworkModel& operator=(const NetworkModel&) = delete;
  NetworkModel(NetworkModel&&) = delete;
  NetworkModel& operator=(NetworkModel&&) = delete;
  virtual ~NetworkModel() = default;

  [[nodiscard]] virtual std::string path() const = 0;
  [[nodiscard]] virtual std::string checksum() const = 0;
  [[nodiscard]] virtual std::string card() const = 0;  // lines `name = value`
  /// Pixels that a tile needs around it, a multiple of alignment(), at multiples of which tiles begin.
  [[nodiscard]] virtual std::uint64_t halo() const = 0;
  [[nodiscard]] virtual std::uint64_t alignment() const = 0;

  /// Why the model's card does not cover the data, one sentence each. noise: of a shear component averaged
  /// over 1 arcmin^2, 0 if not known yet.
  [[nodiscard]] virtual std::vector<std::string> reasons_against(
      const survey::SurveySky& sky, double noise, const theory::PowerSpectrum& spectrum) const = 0;
};

/// DeepMass.
class DeepMassModel : public virtual NetworkModel {
 public:
  [[nodiscard]] virtual bool has_deviation() const = 0;

  /// That noise, of data. Collective.
  [[nodiscard]] virtual double noise_level(const harmonic::HarmonicBasis& basis,
                                           const std::vector<double>& noise_sigma) const = 0;

  struct Maps {
    std::vector<double> mean, deviation;  // this rank's pixels; deviation empty if the model has none
  };
  /// Posterior mean and standard deviation around the data from the Wiener map; side: of a tile, pixels.
  /// Collective.
  [[nodiscard]] virtual Maps evaluate(const survey::SurveySky& sky, std::uint64_t side,
                                      const std::vector<double>& wiener,
                                      const std::vector<double>& noise_sigma) const = 0;

  /// The same on the window of one tile alone, `margin` pixels of which are the filter's; on this rank.
  [[nodiscard]] virtual Maps evaluate_window(const inference::FilteredTile& tile,
                                             std::uint64_t margin) const = 0;
};

/// The score network: the learned part of the prior.
class ScoreModel : public virtual NetworkModel {
 public:
  /// The residual score; spectrum: of posterior::pixel_spectrum; side: of a tile, pixels; domain: of
  /// posterior::learned_domain. sky must outlive it. Collective.
  [[nodiscard]] virtual std::unique_ptr<posterior::ResidualScore> residual(
      const survey::SurveySky& sky, const std::vector<double>& spectrum, std::uint64_t side,
      std::vector<double> domain) const = 0;

  /// The model again, with one more calibration in its card. Collective on the writer's ranks; Error for a
  /// TorchScript module.
  virtual void write_calibrated(io::MapWriter& writer, const network::CalibrationScore& score) const = 0;
};

/// Where a rank computes networks: on the device of --device, with its share of the node's cores.
struct NetworkPlace {
  std::string device;
  mpi::NodePlace node;
};

/// Read a model; on every rank alike, not collective.
[[nodiscard]] std::unique_ptr<ScoreModel> load_score(const std::string& path, const NetworkPlace& place);
[[nodiscard]] std::unique_ptr<DeepMassModel> load_deepmass(const std::string& path,
                                                           const NetworkPlace& place);

/// The option --device, for all commands with networks.
[[nodiscard]] config::Option device_option();

/// Version of LibTorch, or where it is.
[[nodiscard]] std::string torch_version();

/// Whether this program has networks.
[[nodiscard]] bool has_networks();

/// The file `name` of Tessera's data: in the folder TESSERA_DATA, or installed beside the program, or in the
/// repository it was built in. Empty if there is none.
[[nodiscard]] std::string find_data(const std::string& name);

/// Becomes tessera-networks, which stands beside this program, with the same arguments; returns if there is
/// none.
void become_networks(char** argv);

}  // namespace tessera::apps
