#include "inference/conjugate_gradient.hpp"

#include <cmath>

#include "core/error.hpp"

namespace tessera::inference {
namespace {

using harmonic::Complex;
using Vector = std::vector<Complex>;

/// y += a x
void add(double a, const Vector& x, harmonic::Modes y) {
  for (std::size_t i = 0; i < x.size(); ++i) y[i] += a * x[i];
}

}  // namespace

CgReport conjugate_gradient(const LinearSystem& system, harmonic::ConstModes b, harmonic::Modes x,
                            const CgOptions& options, const std::function<void(double)>& observe) {
  TESSERA_REQUIRE(b.size() == x.size());
  Vector residual(b.size()), direction(b.size()), preconditioned(b.size()), image(b.size());
  system.apply(x, image);
  for (std::size_t i = 0; i < b.size(); ++i) residual[i] = b[i] - image[i];
  system.precondition(residual, preconditioned);
  direction = preconditioned;

  const double scale = std::sqrt(system.dot(b, b));
  double energy = system.dot(residual, preconditioned);
  const auto relative = [&] { return scale > 0.0 ? std::sqrt(system.dot(residual, residual)) / scale : 0.0; };
  CgReport report{{relative()}, false};
  while (!(report.converged = report.residual_history.back() <= options.tolerance) &&
         report.iterations() < options.max_iterations) {
    system.apply(direction, image);
    const double step = energy / system.dot(direction, image);
    add(step, direction, x);
    add(-step, image, residual);
    system.precondition(residual, preconditioned);
    const double next = system.dot(residual, preconditioned);
    const double turn = next / energy;
    energy = next;
    for (std::size_t i = 0; i < direction.size(); ++i) direction[i] = preconditioned[i] + turn * direction[i];
    report.residual_history.push_back(relative());
    if (observe) observe(report.residual_history.back());
  }
  return report;
}

}  // namespace tessera::inference
