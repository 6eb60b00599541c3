#include "apps/networks.hpp"

#include <torch/version.h>

#include "core/error.hpp"
#include "network/deepmass.hpp"
#include "network/model_file.hpp"
#include "network/runtime.hpp"
#include "network/score.hpp"

namespace tessera::apps {
namespace {

/// What all models have.
class LoadedModel : public virtual NetworkModel {
 public:
  explicit LoadedModel(network::Model model) : model_(std::move(model)) {}

  [[nodiscard]] std::string path() const override { return model_.path; }
  [[nodiscard]] std::string checksum() const override { return model_.checksum; }
  [[nodiscard]] std::string card() const override { return model_.card.text(); }
  [[nodiscard]] std::uint64_t halo() const override {
    return static_cast<std::uint64_t>(model_.network->shape().halo());
  }
  [[nodiscard]] std::uint64_t alignment() const override {
    return static_cast<std::uint64_t>(model_.card.alignment);
  }
  [[nodiscard]] std::vector<std::string> reasons_against(
      const survey::SurveySky& sky, double noise, const theory::PowerSpectrum& spectrum) const override {
    return network::reasons_against(model_.card, {sky.pixel_arcmin(), noise, &spectrum, sky.lmax()});
  }

 protected:
  [[nodiscard]] const network::Model& model() const { return model_; }

 private:
  network::Model model_;
};

class LoadedDeepMass final : public LoadedModel, public DeepMassModel {
 public:
  using LoadedModel::LoadedModel;

  [[nodiscard]] bool has_deviation() const override { return model().card.outputs > 1; }

  [[nodiscard]] double noise_level(const harmonic::HarmonicBasis& basis,
                                   const std::vector<double>& noise_sigma) const override {
    return network::noise_level(basis, noise_sigma);
  }

  [[nodiscard]] Maps evaluate(const survey::SurveySky& sky, std::uint64_t side,
                              const std::vector<double>& wiener,
                              const std::vector<double>& noise_sigma) const override {
    network::DeepMass deepmass(sky.basis(), model().network,
                               sky.tiling(network::tile_needs(model().network->shape(), side), noise_sigma));
    network::DeepMassMaps maps = deepmass.evaluate(wiener, noise_sigma);
    return {std::move(maps.mean), std::move(maps.deviation)};
  }

  [[nodiscard]] Maps evaluate_window(const inference::FilteredTile& tile,
                                     std::uint64_t margin) const override {
    network::DeepMassMaps maps =
        network::deepmass_on_window(*model().network, tile.basis, tile.wiener, tile.noise_sigma, margin);
    return {std::move(maps.mean), std::move(maps.deviation)};
  }
};

class LoadedScore final : public LoadedModel, public ScoreModel {
 public:
  using LoadedModel::LoadedModel;

  [[nodiscard]] std::unique_ptr<posterior::ResidualScore> residual(
      const survey::SurveySky& sky, const std::vector<double>& spectrum, std::uint64_t side,
      std::vector<double> domain) const override {
    exchange::Tiling tiling = sky.tiling(network::tile_needs(model().network->shape(), side), domain);
    return std::make_unique<network::NetworkScore>(sky.basis(), spectrum, model().network, model().card,
                                                   std::move(tiling), std::move(domain));
  }

  void write_calibrated(io::MapWriter& writer, const network::CalibrationScore& score) const override {
    const auto* const unet = dynamic_cast<const network::UNetImpl*>(model().network.get());
    if (unet == nullptr)
      fail("'{}' is a TorchScript module, whose card cannot be changed; leave --card-out out", path());
    network::ModelCard card = model().card;
    card.calibrations.push_back(score);
    network::write_model(writer, card, *unet);
    for (const char* const object : {"/training", "/provenance", "/diagnostics"}) writer.copy(path(), object);
  }
};

}  // namespace

bool has_networks() { return true; }

std::string torch_version() { return TORCH_VERSION; }

namespace {

network::Model load(const std::string& path, const char* kind, const NetworkPlace& place) {
  const torch::Device device = network::chosen_device(place.device, place.node.rank);
  network::prepare_runtime(network::threads_per_rank(place.node.ranks));
  network::Model model = network::load_model(path, kind);
  model.network->move_to(device);
  return model;
}

}  // namespace

std::unique_ptr<DeepMassModel> load_deepmass(const std::string& path, const NetworkPlace& place) {
  return std::make_unique<LoadedDeepMass>(load(path, "deepmass", place));
}

std::unique_ptr<ScoreModel> load_score(const std::string& path, const NetworkPlace& place) {
  return std::make_unique<LoadedScore>(load(path, "score", place));
}

}  // namespace tessera::apps
