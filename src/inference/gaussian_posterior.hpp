#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "inference/conjugate_gradient.hpp"
#include "inference/forward_operator.hpp"
#include "inference/signal_covariance.hpp"

namespace tessera::inference {

/// The posterior of a Gaussian field given d = A kappa + n: its mean is the Wiener filter's map, its draws
/// are constrained realisations (Hoffman & Ribak 1991).
///
/// Works on whitened coefficients x, kappa = Y L x with S = L L^T, where the posterior's precision is
///     I + L^T A^T N^-1 A L
/// and solves with conjugate gradients, preconditioned by the diagonal that the noise's mean would give.
class GaussianPosterior {
 public:
  /// inverse_variance: [data_component][pixel_count], 0 where there are no data. Everything is kept by
  /// reference and must outlive this object. Collective.
  GaussianPosterior(const HarmonicBasis& basis, const ForwardOperator& forward,
                    const SignalCovariance& signal, ConstPixels inverse_variance);

  /// Posterior mean as whitened coefficients [component][mode]; x holds the starting point. Collective.
  CgReport mean(ConstPixels data, Modes x, const CgOptions& options,
                const std::function<void(double)>& observe = {}) const;

  /// The difference of an exact posterior draw from the mean, as whitened coefficients. It does not depend on
  /// the data: (I + L^T A^T N^-1 A L) x = w + L^T A^T N^-1/2 v with white w, v of this realisation.
  /// prior_draw, unless empty, receives w: the draw of the prior behind it, for which cov(x, w) = cov(x).
  /// Collective.
  CgReport fluctuation(std::uint64_t seed, std::uint32_t realisation, Modes x, Modes prior_draw,
                       const CgOptions& options) const;

  /// Draws those modes of x anew, given all others and the data, exactly to the tolerance, that are marked:
  /// not 0 in `marked`, [component][mode] as x, whose other modes stay. right_side: of right_side(); given:
  /// the part of the data that the other modes explain, which may be more than this basis has. Collective.
  CgReport redraw(ConstModes right_side, ConstPixels given, std::span<const std::uint8_t> marked,
                  std::uint64_t seed, std::uint32_t realisation, Modes x, const CgOptions& options) const;

  /// A L x: the data without noise. Collective.
  void response(ConstModes x, Pixels data) const;

  /// L^T A^T N^-1 data: the right-hand side of the mean's equation. Collective.
  void right_side(ConstPixels data, Modes out) const;

  /// Inner product of whitened coefficients. Collective.
  [[nodiscard]] double dot(ConstModes a, ConstModes b) const;

  /// Variance of a pixel of a component under the prior. Collective.
  [[nodiscard]] double prior_variance(std::size_t component) const;

  /// kappa, [component][pixel], from whitened coefficients. Collective.
  void synthesis(ConstModes x, Pixels kappa) const;

  /// out = (I + L^T A^T N^-1 A L) in. Collective.
  void apply_precision(ConstModes in, Modes out) const;

 private:
  /// marked: the modes to solve for, others count as zero; empty for all.
  CgReport solve(ConstModes right_side, Modes x, const CgOptions& options,
                 const std::function<void(double)>& observe, std::span<const std::uint8_t> marked = {}) const;
  /// Noise whose covariance is the precision, less L^T A^T N^-1 given, unless that is empty; prior_draw as of
  /// fluctuation().
  void precision_noise(std::uint64_t seed, std::uint32_t realisation, ConstPixels given, Modes out,
                       Modes prior_draw) const;
  void tabulate_preconditioner();

  const HarmonicBasis* basis_;
  const ForwardOperator* forward_;
  const SignalCovariance* signal_;
  ConstPixels inverse_variance_;
  std::vector<double> preconditioner_;  // [component][mode]
  mutable std::vector<double> data_;
  mutable std::vector<Complex> modes_;
};

}  // namespace tessera::inference
