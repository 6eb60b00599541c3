#include "apps/model_gate.hpp"

#include <fmt/ranges.h>

#include "core/error.hpp"
#include "core/log.hpp"
#include "mpi/agreement.hpp"

namespace tessera::apps {

ModelGate::ModelGate(const mpi::Communicator& comm, const MapSettings& settings) : settings_(&settings) {
  if (!settings.deepmass) return;
  const mpi::NodePlace node = comm.place_on_node();
  mpi::collectively(comm, [&] { load(node); });
  if (model_ != nullptr) return;
  if (settings.model.empty())
    log::warn("DeepMass is left out: there is no model {}; give one by --model",
              default_model(settings.field.on_sphere()));
  else
    log::warn(
        "DeepMass is left out: it needs the program 'tessera-networks', which is not beside 'tessera'; build "
        "or "
        "install both");
}

std::unique_ptr<ScoreModel> checked_score(const mpi::Communicator& comm, const MapSettings& settings,
                                          const survey::SurveySky& sky,
                                          const theory::PowerSpectrum& spectrum) {
  std::unique_ptr<ScoreModel> model;
  const mpi::NodePlace node = comm.place_on_node();
  mpi::collectively(comm, [&] {
    model = load_score(settings.sampler->model, {settings.device, node});
    const std::vector<std::string> reasons = model->reasons_against(sky, 0.0, spectrum);
    if (reasons.empty()) return;
    const std::string all = fmt::format("{}", fmt::join(reasons, "; "));
    if (!settings.outside_card)
      fail(
          "'{}' was not made for these data: {}; train a score network for them, use it nevertheless with "
          "--outside-card warn, or sample the Gaussian prior with --score-model none",
          model->path(), all);
    log::warn("samples are made with '{}', which was not made for these data: {}", model->path(), all);
  });
  return model;
}

void ModelGate::load(const mpi::NodePlace& node) {
  if (settings_->model.empty()) {
    if (!settings_->automatic)
      fail("--methods deepmass needs a model, and there is no {} in the data folder; give one by --model",
           default_model(settings_->field.on_sphere()));
  } else if (has_networks() || !settings_->automatic) {
    model_ = load_deepmass(settings_->model, {settings_->device, node});
  }
}

void ModelGate::check(const survey::SurveySky& sky, double noise, const theory::PowerSpectrum& spectrum) {
  if (model_ == nullptr) return;
  const std::vector<std::string> reasons = model_->reasons_against(sky, noise, spectrum);
  if (reasons.empty()) return;
  const std::string all = fmt::format("{}", fmt::join(reasons, "; "));
  if (settings_->outside_card) {
    if (noise > 0.0)
      log::warn("DeepMass is used on data that '{}' was not made for: {}", model_->path(), all);
  } else if (settings_->automatic) {
    log::warn("DeepMass is left out, since '{}' was not made for these data: {}", model_->path(), all);
    model_ = nullptr;
  } else {
    fail(
        "'{}' was not made for these data: {}; train a model for them, or use it nevertheless with "
        "--outside-card warn",
        model_->path(), all);
  }
}

}  // namespace tessera::apps
