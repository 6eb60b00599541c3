#pragma once

#include <optional>
#include <vector>

#include "inference/gaussian_posterior.hpp"
#include "posterior/large_scales.hpp"
#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// The posterior of the convergence blurred by a part of the data's own noise.
///
/// d = A kappa + n, where A A^T = 1 and n is white within a pixel with variance N. Of n, white noise of
/// variance sigma^2 <= N is set apart and counted to the field, x = kappa + sigma z:
///     d = A x + n',   n' ~ N(0, N - sigma^2),   x ~ p_sigma, the prior blurred.
/// This is the same measurement, so p(x | d) is exactly what kappa's posterior is when blurred, at any sigma
/// below the noise; and given x the data say nothing more about kappa, which then follows from the prior
/// alone (Descent). Of the components only the first has a signal; the others (curl of the shear) are there
/// to carry their part of the noise.
///
/// State: whitened coefficients [component][mode], in which the blurred Gaussian prior is the identity. The
/// log density there is
///     -1/2 |y|^2 - 1/2 |d - A L y|^2_(N - sigma^2)  +  what the prior adds, of which the gradient is known.
class BlurredPosterior {
 public:
  /// spectrum: of posterior::pixel_spectrum; data, variance: [data_component][pixel_count], variance 0 where
  /// there are no data; residual: null for the Gaussian prior. forward, basis, data and residual must outlive
  /// this object. Error unless sigma^2 is below every variance. Collective.
  BlurredPosterior(const HarmonicBasis& basis, const inference::ForwardOperator& forward,
                   std::span<const double> spectrum, ConstPixels data, ConstPixels variance, double sigma,
                   ResidualScore* residual);

  [[nodiscard]] const HarmonicBasis& basis() const { return *basis_; }
  [[nodiscard]] double sigma() const { return sigma_; }
  [[nodiscard]] std::size_t components() const { return components_; }
  [[nodiscard]] bool has_learned_prior() const { return residual_ != nullptr; }
  [[nodiscard]] std::size_t size() const { return components_ * basis_->mode_count(); }

  /// Gradient of the log density in its two parts.
  struct Gradient {
    std::vector<Complex> gaussian;  // [component][mode]
    std::vector<Complex> residual;  // [mode], of the first component; empty without a learned prior
  };
  /// Collective; one network evaluation.
  void gradient(ConstModes y, Gradient& out);

  /// Log density without what the prior adds, up to a constant, from its gradient at y. Collective.
  [[nodiscard]] double gaussian_log_density(ConstModes y, const Gradient& at_y) const;

  [[nodiscard]] double dot(ConstModes a, ConstModes b) const { return gaussian_.dot(a, b); }

  /// Diagonal of the precision where there are data, in the mean over them: the mass matrix,
  /// [component][mode].
  [[nodiscard]] std::span<const double> mass() const { return mass_; }

  /// Largest squared frequency of the motion near a state under that mass: the leapfrog is stable for steps
  /// below 2 over its root. By power iteration on differences of the gradient, to a few percent. Collective;
  /// 21 network evaluations.
  [[nodiscard]] double stiffness(ConstModes at);

  /// Coefficients of x, of the first component, from the whitened ones.
  void unwhiten(ConstModes y, Modes x) const;

  /// The other way: the first component of y from x; the others stay. Modes without variance become zero.
  void whiten(ConstModes x, Modes y) const;

  /// The mean under the Gaussian prior; false if it did not converge. Collective.
  [[nodiscard]] bool gaussian_mean(const inference::CgOptions& options, Modes y) const;

  /// A draw under the Gaussian prior, exact to the tolerance; false if it did not converge. Collective.
  [[nodiscard]] bool gaussian_draw(std::uint64_t seed, const inference::CgOptions& options, Modes y) const;

  /// Draws the modes in which the learned prior has no say (ResidualScore::gaussian_below) anew, exactly
  /// given all others: in a chain they move slowly, where the noise is uneven or data are missing. False if
  /// it did not converge. number: of the draw, 1 or more. Collective.
  [[nodiscard]] bool redraw_large_scales(std::uint64_t seed, std::uint32_t number,
                                         const inference::CgOptions& options, Modes y) const;
  /// Whether there are any.
  [[nodiscard]] bool has_large_scales() const { return large_scales_.has_value(); }

  /// White noise of unit variance on the state. Collective.
  void white_noise(std::uint64_t seed, Purpose purpose, std::uint32_t number, Modes y) const;

 private:
  const HarmonicBasis* basis_;
  std::size_t components_;
  double sigma_;
  ResidualScore* residual_;
  ConstPixels data_;
  std::vector<double> inverse_variance_;
  inference::SignalCovariance signal_;
  inference::GaussianPosterior gaussian_;
  std::vector<double> mass_;
  std::vector<Complex> right_side_, blurred_;
  std::optional<LargeScales> large_scales_;
};

}  // namespace tessera::posterior
