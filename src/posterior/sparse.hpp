#pragma once

#include <functional>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "inference/forward_operator.hpp"
#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// A prior that likes few large coefficients of K kappa: -log p = sum of |K kappa| with weights.
class SparsePrior {
 public:
  SparsePrior() = default;
  SparsePrior(const SparsePrior&) = delete;
  SparsePrior& operator=(const SparsePrior&) = delete;
  SparsePrior(SparsePrior&&) = delete;
  SparsePrior& operator=(SparsePrior&&) = delete;
  virtual ~SparsePrior() = default;

  /// Coefficient maps, each of this rank's pixels: [components][pixel_count].
  [[nodiscard]] virtual std::size_t components() const = 0;
  /// K, and its transpose with respect to sums over pixels; modes: coefficients of kappa over the root of the
  /// pixel's area, so that both inner products agree. Collective.
  virtual void analysis(ConstModes modes, Pixels coefficients) = 0;
  virtual void adjoint(ConstPixels coefficients, Modes modes) = 0;
  /// Bound of |K|^2.
  [[nodiscard]] virtual double norm_square() const = 0;
  /// Projects onto the dual of the penalty: no coefficient above its weight.
  virtual void project(Pixels dual) const = 0;
  /// The penalty of coefficients. Collective.
  [[nodiscard]] virtual double penalty(ConstPixels coefficients) const = 0;
};

/// l1 norm of the isotropic undecimated wavelet coefficients (starlet), in harmonic space with the cubic
/// B-spline as scaling function (Starck et al. 2006, A&A 446, 1191); the coarsest scale is free. A scale's
/// weight is that of a Laplace distribution with the variance that the spectrum gives it, times its share of
/// the modes (the maps are redundant), times `strength` and a measured share.
class StarletPrior final : public SparsePrior {
 public:
  /// spectrum: of pixel_spectrum; basis must outlive the prior. Collective.
  StarletPrior(const HarmonicBasis& basis, const std::vector<double>& spectrum, std::size_t scales,
               double strength);

  [[nodiscard]] std::size_t components() const override { return weights_.size(); }
  void analysis(ConstModes modes, Pixels coefficients) override;
  void adjoint(ConstPixels coefficients, Modes modes) override;
  [[nodiscard]] double norm_square() const override { return 1.0; }
  void project(Pixels dual) const override;
  [[nodiscard]] double penalty(ConstPixels coefficients) const override;

 private:
  const HarmonicBasis* basis_;
  std::vector<double> weights_;  // of the scales
  std::vector<double> filters_;  // [scale][mode]
  std::vector<Complex> modes_;
};

/// Total variation (Rudin, Osher & Fatemi 1992): sum of |gradient kappa| by differences of neighbouring
/// pixels; its weight makes the mean square gradient that of the spectrum, times `strength` and a measured
/// share.
class TotalVariationPrior final : public SparsePrior {
 public:
  TotalVariationPrior(const harmonic::PlaneBasis& basis, const std::vector<double>& spectrum,
                      double strength);

  [[nodiscard]] std::size_t components() const override { return 2; }
  void analysis(ConstModes modes, Pixels coefficients) override;
  void adjoint(ConstPixels coefficients, Modes modes) override;
  [[nodiscard]] double norm_square() const override { return 8.0; }
  void project(Pixels dual) const override;
  [[nodiscard]] double penalty(ConstPixels coefficients) const override;

 private:
  const harmonic::PlaneBasis* basis_;
  double weight_;
  std::vector<double> map_;
};

struct SparseOptions {
  double tolerance = 1e-4;  // stop when an iteration changes the map by less, relatively
  int max_iterations = 1000;
};

struct SparseReport {
  int iterations = 0;
  bool converged = false;
  double change = 0.0;     // relative, of the last iteration
  double objective = 0.0;  // half chi^2 plus penalty
};

/// The maximum of the posterior under a sparse prior: minimises |d - A kappa|^2 / 2N + penalty by primal-dual
/// splitting (Condat 2013; Vu 2013). variance: [data_component][pixel], 0 where there are no data. kappa:
/// coefficients; the start and the result. Collective.
SparseReport sparse_estimate(const mpi::Communicator& comm, const HarmonicBasis& basis,
                             const inference::ForwardOperator& forward, ConstPixels data,
                             ConstPixels variance, SparsePrior& prior, const SparseOptions& options,
                             Modes kappa, const std::function<void(double)>& observe = {});

}  // namespace tessera::posterior
