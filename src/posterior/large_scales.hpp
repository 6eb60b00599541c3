#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "inference/gaussian_posterior.hpp"

namespace tessera::posterior {

using harmonic::ConstModes;
using harmonic::ConstPixels;
using harmonic::HarmonicBasis;
using harmonic::Modes;

/// Exact draws of the modes below an ell, of the first component, given all other modes and the data: a Gibbs
/// step of a posterior that is Gaussian in them. On the sphere it works on transforms of the modes below that
/// ell alone, whose Legendre sums cost next to nothing.
class LargeScales {
 public:
  /// posterior: of all modes, made of the other arguments; all must outlive this object. Collective.
  LargeScales(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
              const inference::SignalCovariance& signal, ConstPixels inverse_variance,
              const inference::GaussianPosterior& posterior, double below);

  /// Draws them anew in y, whitened [component][mode]. right_side: GaussianPosterior's, of all modes. False
  /// if the tolerance was not reached. Collective.
  [[nodiscard]] bool draw(ConstModes right_side, std::uint64_t seed, std::uint32_t number,
                          const inference::CgOptions& options, Modes y) const;

 private:
  const inference::GaussianPosterior* whole_;
  std::unique_ptr<HarmonicBasis> truncated_;  // null: the posterior of all modes does the work
  std::unique_ptr<inference::ForwardOperator> forward_;
  std::optional<inference::SignalCovariance> signal_;
  std::unique_ptr<inference::GaussianPosterior> band_;
  std::vector<std::size_t> places_;   // in y of the modes that are worked on, [component][mode]
  std::vector<std::uint8_t> marked_;  // which of them are drawn
  mutable std::vector<double> given_;
};

}  // namespace tessera::posterior
