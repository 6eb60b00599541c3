#pragma once

#include <memory>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::inference {

using harmonic::Complex;
using harmonic::ConstModes;
using harmonic::ConstPixels;
using harmonic::HarmonicBasis;
using harmonic::Modes;
using harmonic::Pixels;

/// The linear part A of a measurement d = A kappa + n. Everything above this interface (Wiener filter,
/// samplers) serves any A; lensing is one of them.
///
/// Shapes: modes [component][mode_count], data [data_component][pixel_count], both this rank's share.
class ForwardOperator {
 public:
  ForwardOperator() = default;
  ForwardOperator(const ForwardOperator&) = delete;
  ForwardOperator& operator=(const ForwardOperator&) = delete;
  ForwardOperator(ForwardOperator&&) = delete;
  ForwardOperator& operator=(ForwardOperator&&) = delete;
  virtual ~ForwardOperator() = default;

  /// Number of fields (for example tomographic bins) and of data maps.
  [[nodiscard]] virtual std::size_t components() const = 0;
  [[nodiscard]] virtual std::size_t data_components() const = 0;

  /// The same measurement of the modes of another basis with the same pixels, which must outlive it.
  [[nodiscard]] virtual std::unique_ptr<ForwardOperator> on(const HarmonicBasis& basis) const = 0;

  /// Collective.
  virtual void apply(ConstModes modes, Pixels data) const = 0;
  /// The transpose with respect to the basis's inner products. Collective.
  virtual void apply_adjoint(ConstPixels data, Modes modes) const = 0;

  /// Diagonal of A^T N^-1 A at one mode of a component, in the mean over modes, given the mean inverse
  /// variance of each data map over the whole sky. Used for preconditioning; need not be exact.
  [[nodiscard]] virtual double normal_diagonal(std::size_t component,
                                               std::span<const double> mean_inverse_variance) const = 0;
};

/// Shear of convergence: data [component][gamma1, gamma2].
class ShearOperator final : public ForwardOperator {
 public:
  /// basis must outlive the operator.
  explicit ShearOperator(const HarmonicBasis& basis, std::size_t components = 1)
      : basis_(&basis), components_(components) {}

  [[nodiscard]] std::size_t components() const override { return components_; }
  [[nodiscard]] std::size_t data_components() const override { return 2 * components_; }
  [[nodiscard]] std::unique_ptr<ForwardOperator> on(const HarmonicBasis& basis) const override {
    return std::make_unique<ShearOperator>(basis, components_);
  }
  void apply(ConstModes modes, Pixels data) const override;
  void apply_adjoint(ConstPixels data, Modes modes) const override;
  [[nodiscard]] double normal_diagonal(std::size_t component,
                                       std::span<const double> mean_inverse_variance) const override;

 private:
  const HarmonicBasis* basis_;
  std::size_t components_;
};

/// Shear of convergence and of a curl field: components [convergence, curl], data [gamma1, gamma2]. Every
/// shear map but its mean is the image of one pair, and white noise of the pair is white noise of the shear:
/// A A^T = 1 (but for the mean, and Nyquist lines, where a real shear has fewer modes).
class WholeShearOperator final : public ForwardOperator {
 public:
  /// basis must outlive the operator.
  explicit WholeShearOperator(const HarmonicBasis& basis) : basis_(&basis) {}

  [[nodiscard]] std::size_t components() const override { return 2; }
  [[nodiscard]] std::size_t data_components() const override { return 2; }
  [[nodiscard]] std::unique_ptr<ForwardOperator> on(const HarmonicBasis& basis) const override {
    return std::make_unique<WholeShearOperator>(basis);
  }
  void apply(ConstModes modes, Pixels data) const override;
  void apply_adjoint(ConstPixels data, Modes modes) const override;
  [[nodiscard]] double normal_diagonal(std::size_t component,
                                       std::span<const double> mean_inverse_variance) const override;

 private:
  const HarmonicBasis* basis_;
};

/// The field itself, seen through noise and mask: denoising and inpainting. Data [component].
class DirectOperator final : public ForwardOperator {
 public:
  /// basis must outlive the operator.
  explicit DirectOperator(const HarmonicBasis& basis, std::size_t components = 1)
      : basis_(&basis), components_(components) {}

  [[nodiscard]] std::size_t components() const override { return components_; }
  [[nodiscard]] std::size_t data_components() const override { return components_; }
  [[nodiscard]] std::unique_ptr<ForwardOperator> on(const HarmonicBasis& basis) const override {
    return std::make_unique<DirectOperator>(basis, components_);
  }
  void apply(ConstModes modes, Pixels data) const override;
  void apply_adjoint(ConstPixels data, Modes modes) const override;
  [[nodiscard]] double normal_diagonal(std::size_t component,
                                       std::span<const double> mean_inverse_variance) const override;

 private:
  const HarmonicBasis* basis_;
  std::size_t components_;
};

}  // namespace tessera::inference
