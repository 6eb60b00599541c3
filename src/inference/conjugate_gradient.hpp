#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harmonic/harmonic_basis.hpp"

namespace tessera::inference {

struct CgOptions {
  /// Stop when |b - A x| <= tolerance |b|.
  double tolerance = 1e-7;
  int max_iterations = 1000;
};

struct CgReport {
  /// |b - A x| / |b| at the start and after every iteration.
  std::vector<double> residual_history;
  bool converged = false;
  [[nodiscard]] int iterations() const { return static_cast<int>(residual_history.size()) - 1; }
};

/// A symmetric positive linear system over distributed vectors of complex coefficients.
struct LinearSystem {
  /// out = A in; collective.
  std::function<void(harmonic::ConstModes in, harmonic::Modes out)> apply;
  /// out = M^-1 in, a symmetric positive approximation of the inverse of A.
  std::function<void(harmonic::ConstModes in, harmonic::Modes out)> precondition;
  /// Inner product; collective, bits independent of the rank count.
  std::function<double(harmonic::ConstModes, harmonic::ConstModes)> dot;
};

/// Preconditioned conjugate gradients (Hestenes & Stiefel 1952; Saad 2003, algorithm 9.1). x: starting point
/// and result. `observe`, if given, sees the relative residual after every iteration. Collective.
CgReport conjugate_gradient(const LinearSystem& system, harmonic::ConstModes b, harmonic::Modes x,
                            const CgOptions& options, const std::function<void(double)>& observe = {});

}  // namespace tessera::inference
