#include "inference/gaussian_posterior.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::inference {
namespace {

void keep_marked(std::span<const std::uint8_t> marked, Modes modes) {
  for (std::size_t k = 0; k < marked.size(); ++k)
    if (marked[k] == 0) modes[k] = 0.0;
}

}  // namespace

GaussianPosterior::GaussianPosterior(const HarmonicBasis& basis, const ForwardOperator& forward,
                                     const SignalCovariance& signal, ConstPixels inverse_variance)
    : basis_(&basis),
      forward_(&forward),
      signal_(&signal),
      inverse_variance_(inverse_variance),
      preconditioner_(signal.components() * basis.mode_count()),
      data_(forward.data_components() * basis.pixel_count()),
      modes_(signal.components() * basis.mode_count()) {
  TESSERA_REQUIRE(signal.components() == forward.components());
  TESSERA_REQUIRE(inverse_variance.size() == data_.size());
  tabulate_preconditioner();
}

void GaussianPosterior::tabulate_preconditioner() {
  const std::size_t pixels = basis_->pixel_count();
  const std::vector<double> ones(pixels, 1.0);
  std::vector<double> mean(forward_->data_components());
  for (std::size_t d = 0; d < mean.size(); ++d)
    mean[d] = basis_->dot(inverse_variance_.subspan(d * pixels, pixels), ones) /
              static_cast<double>(basis_->total_pixels());
  const std::size_t modes = basis_->mode_count();
  for (std::size_t c = 0; c < signal_->components(); ++c) {
    const double information = forward_->normal_diagonal(c, mean);
    for (std::size_t k = 0; k < modes; ++k) {
      const double root = signal_->root(c, c, k);
      preconditioner_[c * modes + k] = 1.0 / (1.0 + root * root * information);
    }
  }
}

double GaussianPosterior::dot(ConstModes a, ConstModes b) const {
  const std::size_t modes = basis_->mode_count();
  double sum = 0.0;
  for (std::size_t c = 0; c < signal_->components(); ++c)
    sum += basis_->dot(a.subspan(c * modes, modes), b.subspan(c * modes, modes));
  return sum;
}

void GaussianPosterior::response(ConstModes x, Pixels data) const {
  signal_->apply_root(x, modes_);
  forward_->apply(modes_, data);
}

void GaussianPosterior::apply_precision(ConstModes in, Modes out) const {
  response(in, data_);
  for (std::size_t p = 0; p < data_.size(); ++p) data_[p] *= inverse_variance_[p];
  forward_->apply_adjoint(data_, modes_);
  signal_->apply_root_adjoint(modes_, out);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] += in[k];
}

CgReport GaussianPosterior::solve(ConstModes right_side, Modes x, const CgOptions& options,
                                  const std::function<void(double)>& observe,
                                  std::span<const std::uint8_t> marked) const {
  const LinearSystem system{
      [&](ConstModes in, Modes out) {
        apply_precision(in, out);
        keep_marked(marked, out);
      },
      [this](ConstModes in, Modes out) {
        for (std::size_t k = 0; k < in.size(); ++k) out[k] = preconditioner_[k] * in[k];
      },
      [this](ConstModes a, ConstModes b) { return dot(a, b); },
  };
  return conjugate_gradient(system, right_side, x, options, observe);
}

CgReport GaussianPosterior::mean(ConstPixels data, Modes x, const CgOptions& options,
                                 const std::function<void(double)>& observe) const {
  std::vector<Complex> b(x.size());
  right_side(data, b);
  return solve(b, x, options, observe);
}

void GaussianPosterior::right_side(ConstPixels data, Modes out) const {
  TESSERA_REQUIRE(data.size() == data_.size() && out.size() == modes_.size());
  for (std::size_t p = 0; p < data_.size(); ++p) data_[p] = inverse_variance_[p] * data[p];
  forward_->apply_adjoint(data_, out);
  signal_->apply_root_adjoint(out, out);
}

void GaussianPosterior::precision_noise(std::uint64_t seed, std::uint32_t realisation, ConstPixels given,
                                        Modes out, Modes prior_draw) const {
  TESSERA_REQUIRE(out.size() == modes_.size() && (prior_draw.empty() || prior_draw.size() == out.size()));
  TESSERA_REQUIRE(given.empty() || given.size() == data_.size());
  const std::size_t pixels = basis_->pixel_count();
  const std::size_t modes = basis_->mode_count();
  // Components draw from streams of their own: realisation r of component c is stream r * components + c.
  const auto stream = [&](Purpose purpose, std::size_t component, std::size_t components) {
    return RandomStream(seed, purpose, static_cast<std::uint32_t>(realisation * components + component));
  };
  const std::size_t data_components = forward_->data_components();
  for (std::size_t d = 0; d < data_components; ++d)
    basis_->white_noise(stream(Purpose::data_white_noise, d, data_components),
                        Pixels(data_).subspan(d * pixels, pixels));
  for (std::size_t p = 0; p < data_.size(); ++p) data_[p] *= std::sqrt(inverse_variance_[p]);
  for (std::size_t p = 0; p < given.size(); ++p) data_[p] -= inverse_variance_[p] * given[p];
  std::vector<Complex> white(modes);
  forward_->apply_adjoint(data_, out);
  signal_->apply_root_adjoint(out, out);
  for (std::size_t c = 0; c < signal_->components(); ++c) {
    basis_->white_noise(stream(Purpose::prior_white_noise, c, signal_->components()), Modes(white));
    for (std::size_t k = 0; k < modes; ++k) out[c * modes + k] += white[k];
    if (!prior_draw.empty())
      std::copy(white.begin(), white.end(), prior_draw.begin() + static_cast<std::ptrdiff_t>(c * modes));
  }
}

CgReport GaussianPosterior::fluctuation(std::uint64_t seed, std::uint32_t realisation, Modes x,
                                        Modes prior_draw, const CgOptions& options) const {
  std::vector<Complex> right_side(x.size());
  precision_noise(seed, realisation, {}, right_side, prior_draw);
  return solve(right_side, x, options, {});
}

CgReport GaussianPosterior::redraw(ConstModes right_side, ConstPixels given,
                                   std::span<const std::uint8_t> marked, std::uint64_t seed,
                                   std::uint32_t realisation, Modes x, const CgOptions& options) const {
  TESSERA_REQUIRE(x.size() == modes_.size() && marked.size() == x.size() && right_side.size() == x.size());
  // Of K x = b + noise the marked rows, the other modes of x being given.
  std::vector<Complex> rest(x.size()), drawn(x.begin(), x.end());
  precision_noise(seed, realisation, given, rest, {});
  for (std::size_t k = 0; k < x.size(); ++k) rest[k] += right_side[k];
  keep_marked(marked, rest);
  keep_marked(marked, drawn);
  CgReport report = solve(rest, drawn, options, {}, marked);
  for (std::size_t k = 0; k < x.size(); ++k)
    if (marked[k] != 0) x[k] = drawn[k];
  return report;
}

double GaussianPosterior::prior_variance(std::size_t component) const {
  // Var(kappa_p) = sum over components and modes of |L|^2 / area, the same at every pixel.
  const std::size_t modes = basis_->mode_count();
  const double area = basis_->pixel_area() * static_cast<double>(basis_->total_pixels());
  double sum = 0.0;
  for (std::size_t c = 0; c <= component; ++c) {
    std::vector<Complex> root(modes);
    for (std::size_t k = 0; k < modes; ++k) root[k] = signal_->root(component, c, k);
    sum += basis_->dot(ConstModes(root), ConstModes(root)) / area;
  }
  return sum;
}

void GaussianPosterior::synthesis(ConstModes x, Pixels kappa) const {
  signal_->apply_root(x, modes_);
  const std::size_t pixels = basis_->pixel_count();
  const std::size_t modes = basis_->mode_count();
  for (std::size_t c = 0; c < signal_->components(); ++c)
    basis_->synthesis(ConstModes(modes_).subspan(c * modes, modes), kappa.subspan(c * pixels, pixels));
}

}  // namespace tessera::inference
