#pragma once

#include <memory>

#include "apps/map_settings.hpp"
#include "apps/networks.hpp"

namespace tessera::apps {

/// Decides whether DeepMass is run: refuses data that the model was not made for, or warns, or leaves
/// DeepMass out where it was not asked for by name.
class ModelGate {
 public:
  /// Reads the model if one is wanted. settings must outlive the gate. Collective.
  ModelGate(const mpi::Communicator& comm, const MapSettings& settings);

  /// Null if DeepMass is not run.
  [[nodiscard]] const DeepMassModel* model() const { return model_.get(); }

  /// noise: as DeepMassModel::noise_level, 0 if not known yet. On every rank alike.
  void check(const survey::SurveySky& sky, double noise, const theory::PowerSpectrum& spectrum);

 private:
  void load(const mpi::NodePlace& node);

  const MapSettings* settings_;
  std::unique_ptr<DeepMassModel> model_;
};

/// The score network of the settings; Error (or a warning, with --outside-card warn) if it was not made for
/// the pixels and the spectrum. Collective.
[[nodiscard]] std::unique_ptr<ScoreModel> checked_score(const mpi::Communicator& comm,
                                                        const MapSettings& settings,
                                                        const survey::SurveySky& sky,
                                                        const theory::PowerSpectrum& spectrum);

}  // namespace tessera::apps
