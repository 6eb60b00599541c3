#include "posterior/sparse.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "statistics/neighbour_rows.hpp"

namespace tessera::posterior {
namespace {

// A maximum is pulled to zero more than a mean is: the parts of the Laplace weights with which the maxima
// come nearest to the truth of a mock of the COSMOS survey, where both then correlate with it as Wiener's map
// does.
constexpr double starlet_share = 0.33, total_variation_share = 0.2;

/// 3/2 of the cubic B-spline: 1 at 0, 0 from 2 on.
double scaling_function(double x) {
  const auto cube = [](double y) { return std::abs(y) * y * y; };
  return 1.5 / 12.0 *
         (cube(x - 2.0) - 4.0 * cube(x - 1.0) + 6.0 * cube(x) - 4.0 * cube(x + 1.0) + cube(x + 2.0));
}

/// Mean over all modes of a function of the mode.
template <class F>
double mode_mean(const HarmonicBasis& basis, F f) {
  std::vector<Complex> root(basis.mode_count());
  for (std::size_t k = 0; k < root.size(); ++k) root[k] = std::sqrt(f(k));
  return basis.dot(ConstModes(root), ConstModes(root)) / static_cast<double>(basis.total_pixels());
}

double sum_of_absolute(const HarmonicBasis& basis, std::vector<double> values) {
  for (double& value : values) value = std::sqrt(std::abs(value));
  return basis.dot(ConstPixels(values), ConstPixels(values));
}

}  // namespace

StarletPrior::StarletPrior(const HarmonicBasis& basis, const std::vector<double>& spectrum,
                           std::size_t scales, double strength)
    : basis_(&basis), weights_(scales), filters_(scales * basis.mode_count()), modes_(basis.mode_count()) {
  const std::size_t modes = basis.mode_count();
  const auto ell = basis.ell();
  const double highest = std::numbers::pi / std::sqrt(basis.pixel_area());
  for (std::size_t s = 0; s < scales; ++s) {
    // What scale s smooths away: structures of about 2^s pixels.
    const auto scaling = [&](std::size_t scale, double l) {
      return scale == 0 ? 1.0
                        : scaling_function(2.0 * l * std::exp2(static_cast<double>(scale) - 1.0) / highest);
    };
    double* const filter = filters_.data() + s * modes;
    for (std::size_t k = 0; k < modes; ++k) filter[k] = scaling(s, ell[k]) - scaling(s + 1, ell[k]);
    const double variance =
        mode_mean(basis, [&](std::size_t k) { return spectrum[k] * filter[k] * filter[k]; });
    const double share = mode_mean(basis, [&](std::size_t k) { return filter[k] * filter[k]; });
    weights_[s] = starlet_share * strength * share * std::sqrt(2.0 / variance);
  }
}

void StarletPrior::analysis(ConstModes modes, Pixels coefficients) {
  const std::size_t count = modes_.size(), pixels = basis_->pixel_count();
  const double unit = std::sqrt(basis_->pixel_area());
  for (std::size_t s = 0; s < weights_.size(); ++s) {
    for (std::size_t k = 0; k < count; ++k) modes_[k] = unit * filters_[s * count + k] * modes[k];
    basis_->synthesis(modes_, coefficients.subspan(s * pixels, pixels));
  }
}

void StarletPrior::adjoint(ConstPixels coefficients, Modes modes) {
  const std::size_t count = modes_.size(), pixels = basis_->pixel_count();
  const double unit = std::sqrt(basis_->pixel_area());
  std::fill(modes.begin(), modes.end(), Complex(0.0));
  for (std::size_t s = 0; s < weights_.size(); ++s) {
    basis_->synthesis_adjoint(coefficients.subspan(s * pixels, pixels), modes_);
    for (std::size_t k = 0; k < count; ++k) modes[k] += unit * filters_[s * count + k] * modes_[k];
  }
}

void StarletPrior::project(Pixels dual) const {
  const std::size_t pixels = basis_->pixel_count();
  for (std::size_t s = 0; s < weights_.size(); ++s)
    for (double& value : dual.subspan(s * pixels, pixels))
      value = std::clamp(value, -weights_[s], weights_[s]);
}

double StarletPrior::penalty(ConstPixels coefficients) const {
  const std::size_t pixels = basis_->pixel_count();
  double sum = 0.0;
  for (std::size_t s = 0; s < weights_.size(); ++s) {
    const ConstPixels part = coefficients.subspan(s * pixels, pixels);
    sum += weights_[s] * sum_of_absolute(*basis_, {part.begin(), part.end()});
  }
  return sum;
}

TotalVariationPrior::TotalVariationPrior(const harmonic::PlaneBasis& basis,
                                         const std::vector<double>& spectrum, double strength)
    : basis_(&basis), map_(basis.pixel_count()) {
  // Differences of neighbours damp a mode by 4 sin^2(l pixel / 2) along each axis; here in the mean over
  // angles.
  const auto ell = basis.ell();
  const double pixel = std::sqrt(basis.pixel_area());
  const double square = mode_mean(
      basis, [&](std::size_t k) { return spectrum[k] * std::min(ell[k] * pixel * ell[k] * pixel, 8.0); });
  // |g| has the density exp(-w |g|) |g|: <g^2> = 6 / w^2. Two differences stand for one pixel.
  weight_ = total_variation_share * 0.5 * strength * std::sqrt(6.0 / square);
}

void TotalVariationPrior::analysis(ConstModes modes, Pixels coefficients) {
  std::vector<Complex> scaled(modes.begin(), modes.end());
  for (Complex& mode : scaled) mode *= std::sqrt(basis_->pixel_area());
  basis_->synthesis(scaled, map_);
  const std::size_t nx = basis_->nx(), pixels = map_.size();
  const std::vector<double> around =
      statistics::with_neighbour_rows(*basis_, map_, 1, statistics::Border::periodic);
  for (std::size_t p = 0; p < pixels; ++p) {
    const std::size_t x = p % nx, row = p - x;
    coefficients[p] = map_[row + (x + 1) % nx] - map_[p];
    coefficients[pixels + p] = around[p + 2 * nx] - map_[p];
  }
}

void TotalVariationPrior::adjoint(ConstPixels coefficients, Modes modes) {
  const std::size_t nx = basis_->nx(), pixels = map_.size();
  const std::vector<double> around = statistics::with_neighbour_rows(
      *basis_, coefficients.subspan(pixels, pixels), 1, statistics::Border::periodic);
  for (std::size_t p = 0; p < pixels; ++p) {
    const std::size_t x = p % nx, row = p - x;
    map_[p] = coefficients[row + (x + nx - 1) % nx] - coefficients[p] + around[p] - coefficients[pixels + p];
  }
  basis_->synthesis_adjoint(map_, modes);
  for (Complex& mode : modes) mode *= std::sqrt(basis_->pixel_area());
}

void TotalVariationPrior::project(Pixels dual) const {
  const std::size_t pixels = map_.size();
  for (std::size_t p = 0; p < pixels; ++p) {
    const double excess = std::hypot(dual[p], dual[pixels + p]) / weight_;
    if (excess <= 1.0) continue;
    dual[p] /= excess;
    dual[pixels + p] /= excess;
  }
}

double TotalVariationPrior::penalty(ConstPixels coefficients) const {
  std::vector<double> length(map_.size());
  for (std::size_t p = 0; p < length.size(); ++p)
    length[p] = std::hypot(coefficients[p], coefficients[length.size() + p]);
  return weight_ * sum_of_absolute(*basis_, std::move(length));
}

SparseReport sparse_estimate(const mpi::Communicator& comm, const HarmonicBasis& basis,
                             const inference::ForwardOperator& forward, ConstPixels data,
                             ConstPixels variance, SparsePrior& prior, const SparseOptions& options,
                             Modes kappa, const std::function<void(double)>& observe) {
  const std::size_t modes = basis.mode_count(), pixels = basis.pixel_count();
  TESSERA_REQUIRE(forward.components() == 1 && kappa.size() == modes);
  std::vector<double> inverse(variance.size()), residual(data.size());
  std::transform(variance.begin(), variance.end(), inverse.begin(),
                 [](double v) { return v > 0.0 ? 1.0 / v : 0.0; });
  // The stiffest pixel bounds the curvature of chi^2; steps as Condat (2013, theorem 3.1) allows them.
  const double curvature =
      comm.max(inverse.empty() ? 0.0 : *std::max_element(inverse.begin(), inverse.end()));
  TESSERA_REQUIRE(curvature > 0.0);
  const double dual_step = 0.5 * curvature / prior.norm_square(), step = 0.99 / curvature;
  const double unit = std::sqrt(basis.pixel_area());
  std::vector<Complex> gradient(modes), from_dual(modes), ahead(modes), scaled(modes);
  std::vector<double> dual(prior.components() * pixels, 0.0), coefficients(dual.size());
  SparseReport report;
  double size = 0.0;
  while (report.iterations < options.max_iterations && !report.converged) {
    forward.apply(kappa, residual);
    for (std::size_t i = 0; i < residual.size(); ++i) residual[i] = inverse[i] * (residual[i] - data[i]);
    forward.apply_adjoint(residual, gradient);
    prior.adjoint(dual, from_dual);
    for (std::size_t k = 0; k < modes; ++k) {
      // Coefficients over the root of the pixel's area are in the units of pixels.
      const Complex move = -step * (unit * gradient[k] + from_dual[k]);
      scaled[k] = move;
      ahead[k] = kappa[k] / unit + 2.0 * move;
      kappa[k] += unit * move;
    }
    const double change = basis.dot(ConstModes(scaled), ConstModes(scaled));
    // The largest so far: where the penalty wins the map goes to zero.
    size = std::max(size, basis.dot(ConstModes(kappa), ConstModes(kappa)) / basis.pixel_area());
    prior.analysis(ahead, coefficients);
    for (std::size_t i = 0; i < dual.size(); ++i) dual[i] += dual_step * coefficients[i];
    prior.project(dual);
    ++report.iterations;
    report.change = std::sqrt(change / std::max(size, 1e-300));
    report.converged = report.change < options.tolerance;
    if (observe) observe(report.change);
  }
  forward.apply(kappa, residual);
  for (std::size_t i = 0; i < residual.size(); ++i)
    residual[i] = std::sqrt(inverse[i]) * (residual[i] - data[i]);
  double chi2 = 0.0;
  for (std::size_t d = 0; d < forward.data_components(); ++d) {
    const ConstPixels part = ConstPixels(residual).subspan(d * pixels, pixels);
    chi2 += basis.dot(part, part);
  }
  for (std::size_t k = 0; k < modes; ++k) scaled[k] = kappa[k] / unit;
  prior.analysis(scaled, coefficients);
  report.objective = 0.5 * chi2 + prior.penalty(coefficients);
  return report;
}

}  // namespace tessera::posterior
