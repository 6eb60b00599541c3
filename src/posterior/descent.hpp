#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// Draws kappa given x = kappa + sigma z, by the prior alone: the reverse of a diffusion (Song et al. 2021)
/// from sigma to zero over a schedule of levels.
///
/// At every level the mean of kappa given x is known (ResidualScore); its covariance is taken to be diagonal
/// in harmonic space, the Gaussian prior's times the measured ratio of the errors (the optimal reverse
/// variance of Bao et al. 2022). A step to a lower level draws kappa from that and keeps of the noise what
/// belongs to the level: exact for a Gaussian prior with any schedule, and to first order in the step
/// otherwise. The last step leads to kappa itself.
class Descent {
 public:
  /// spectrum: of posterior::pixel_spectrum; sigmas: decreasing, the last is followed by 0; residual: null
  /// for the Gaussian prior. basis and residual must outlive this object.
  Descent(const HarmonicBasis& basis, std::vector<double> spectrum, std::vector<double> sigmas,
          ResidualScore* residual);

  /// field: coefficients of x at the first level, and of kappa afterwards; white: its white residual at that
  /// level if it is known already. draw: number of the draw. Collective.
  void draw(Modes field, std::optional<ConstModes> white, std::uint64_t seed, std::uint32_t draw);

  /// Scores that a draw takes if the first is known.
  [[nodiscard]] std::size_t scores() const { return residual_ != nullptr ? sigmas_.size() - 1 : 0; }

  /// Levels from `highest` to `lowest`, equally spaced in the logarithm.
  [[nodiscard]] static std::vector<double> schedule(double highest, double lowest, std::size_t levels);

 private:
  /// white_ as it will be further on in the step from a level, from the level before.
  void extrapolate(std::size_t level);
  /// White noise_ becomes that of the step from a level to sigma = next.
  void scale_noise(std::size_t level, double next);

  const HarmonicBasis* basis_;
  std::vector<double> spectrum_, sigmas_;
  ResidualScore* residual_;
  bool everywhere_;           // the learned prior's domain
  std::vector<double> rest_;  // [level][mode]: variance left to kappa
  std::vector<Complex> white_, last_, noise_, narrowed_;
  std::vector<double> pixels_;
};

}  // namespace tessera::posterior
