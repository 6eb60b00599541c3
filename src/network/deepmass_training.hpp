#pragma once

#include "exchange/tiling.hpp"
#include "harmonic/plane_basis.hpp"
#include "inference/conjugate_gradient.hpp"
#include "inference/forward_operator.hpp"
#include "inference/signal_covariance.hpp"
#include "network/model_card.hpp"
#include "network/sphere_windows.hpp"
#include "network/training.hpp"
#include "simulate/mock_survey.hpp"

namespace tessera::network {

/// A mock survey of a sky with its Wiener map, on a whole periodic box or sphere.
struct SurveyedSky {
  std::vector<double> kappa, wiener;
  simulate::MockSurvey survey;
};

/// Makes mock surveys and their Wiener maps, one after the other with the same plans, covariance and
/// operators as data are mapped with.
class Surveyor {
 public:
  /// basis: a PlaneBasis or SphereBasis, which must outlive the surveyor. cg: of the Wiener filter.
  Surveyor(const harmonic::HarmonicBasis& basis, const theory::PowerSpectrum& spectrum, bool pixel_window,
           simulate::SurveyPrior prior, std::uint64_t seed, inference::CgOptions cg);

  [[nodiscard]] const harmonic::HarmonicBasis& basis() const { return *basis_; }
  [[nodiscard]] const simulate::SurveyPrior& prior() const { return prior_; }

  /// Collective on the basis. `density`, if given, takes the place of the prior's range.
  [[nodiscard]] SurveyedSky survey(std::vector<double> kappa, std::uint32_t realisation,
                                   std::optional<simulate::Range> density = std::nullopt) const;

  /// Wiener map of a survey. Collective on the basis.
  [[nodiscard]] std::vector<double> wiener(const simulate::MockSurvey& survey) const;

 private:
  const harmonic::HarmonicBasis* basis_;
  simulate::SurveyPrior prior_;
  std::uint64_t seed_;
  inference::CgOptions cg_;
  inference::ShearOperator shear_;
  inference::SignalCovariance signal_;
};

/// The part of a surveyed sky that becomes an example: `side` pixels from (x, y) on, wrapped around the box
/// (0: the whole box), turned and mirrored by one of the square's symmetries (0 to 7).
struct Cutout {
  std::int64_t x = 0, y = 0, side = 0;
  int symmetry = 0;
};

/// The example that a surveyed sky of one rank makes, its inputs with the halo that `shape` asks for. Pixels
/// without data count a tenth in the loss.
[[nodiscard]] Example deepmass_example(const harmonic::PlaneBasis& basis, const SurveyedSky& sky,
                                       const NetworkShape& shape, const Cutout& cutout);

/// What DeepMass is given of a surveyed sky, [deepmass_inputs][pixel], and what its first output should be
/// and how much each pixel counts in the loss, [target, weight][pixel]. Collective on the basis.
struct DeepMassMapsOfSky {
  std::vector<double> inputs, wanted;
};
[[nodiscard]] DeepMassMapsOfSky deepmass_training_maps(const harmonic::HarmonicBasis& basis,
                                                       const SurveyedSky& sky);

/// The example of one tile of a sphere.
[[nodiscard]] Example deepmass_example(const SphereWindows& windows, const DeepMassMapsOfSky& maps,
                                       std::uint64_t tile, bool distortion);

/// Mean square error of the network's mean (Jeffrey et al. 2020), which the posterior mean minimises, plus
/// `variance_share` times the Gaussian negative log-likelihood of what is left as a function of the second
/// output, which the posterior variance minimises (a moment network, Jeffrey & Wandelt 2020).
[[nodiscard]] LossFunction deepmass_loss(double variance_share);

/// Scores on surveys of one depth, number i being survey `first + i` of sky `sky(i)`; the surveys are dealt
/// to the ranks, each of which surveys on its own. tiling: over the surveyor's basis, with what the network
/// needs. after_round: called by every rank whenever each has scored a survey. Collective.
[[nodiscard]] HeldOutScore score_deepmass(const mpi::Communicator& comm,
                                          const std::shared_ptr<Network>& network, const Surveyor& surveyor,
                                          const exchange::Tiling& tiling,
                                          const std::function<std::vector<double>(std::uint64_t)>& sky,
                                          std::uint64_t surveys, std::uint32_t first, double density,
                                          const std::function<void()>& after_round);

}  // namespace tessera::network
