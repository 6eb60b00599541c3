#pragma once

#include <cmath>

#include "harmonic/plane_basis.hpp"
#include "harmonic/sphere_basis.hpp"
#include "inference/gaussian_posterior.hpp"
#include "support/dense.hpp"

namespace tessera::test {

using harmonic::PlaneBasis;
using harmonic::SphereBasis;
using inference::CgOptions;
using inference::Complex;
using inference::ShearOperator;
using inference::SignalCovariance;
using theory::PowerSpectrum;

inline constexpr double pixel = 1e-3;
inline constexpr CgOptions tight{1e-12, 1000};

/// A small survey with holes and uneven noise; signal and noise are of one order.
template <class Basis>
struct SmallSurveyOn {
  /// shape: of the basis, after its communicator; amplitude: of the spectra.
  template <class... Shape>
  SmallSurveyOn(const mpi::Communicator& comm, std::size_t components, double amplitude, Shape... shape)
      : basis(comm, shape...), shear(basis, components), signal(basis, spectra(components, amplitude), true) {
    const std::size_t pixels = basis.pixel_count();
    information.resize(shear.data_components() * pixels);
    data.resize(information.size());
    for (std::size_t d = 0; d < shear.data_components(); ++d) {
      const harmonic::Pixels part = std::span<double>(data).subspan(d * pixels, pixels);
      basis.white_noise(RandomStream(3, Purpose::test, static_cast<std::uint32_t>(d)), part);
      for (std::size_t p = 0; p < pixels; ++p) {
        const std::uint64_t place = basis.first_pixel() + p;
        const double sigma = 0.5 + 0.1 * static_cast<double>(place % 7);
        information[d * pixels + p] = place % 5 == 2 ? 0.0 : 1.0 / (sigma * sigma);
      }
    }
  }

  static std::vector<PowerSpectrum> spectra(std::size_t components, double amplitude) {
    const auto power = [amplitude](double scale) {
      return PowerSpectrum({1.0, 1e5}, {scale * amplitude * 1e-2, scale * amplitude * 1e-7}, "test");
    };
    if (components == 1) return {power(1.0)};
    return {power(1.0), power(0.7), power(1.5)};
  }

  Basis basis;
  ShearOperator shear;
  SignalCovariance signal;
  std::vector<double> information, data;
};

/// On a box of the plane.
struct SmallSurvey : SmallSurveyOn<PlaneBasis> {
  SmallSurvey(const mpi::Communicator& comm, PaddedBox box, std::size_t components = 1)
      : SmallSurveyOn(comm, components, 1.0, box, pixel) {}
};

/// On the sphere.
struct SmallSphere : SmallSurveyOn<SphereBasis> {
  SmallSphere(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax)
      : SmallSurveyOn(comm, 1, 100.0, nside, lmax) {}
};

/// Posterior of the pixels of kappa by dense algebra, from unit responses of the operators: no whitening, no
/// CG.
struct DensePosterior {
  template <class Basis>
  explicit DensePosterior(const SmallSurveyOn<Basis>& survey) {
    const std::size_t pixels = survey.basis.pixel_count(), components = survey.signal.components();
    const std::size_t n = components * pixels, modes = components * survey.basis.mode_count();
    test::Matrix prior(n, n), cross(survey.data.size(), n), total(survey.data.size(), survey.data.size());
    std::vector<Complex> a(modes), b(modes);
    std::vector<double> shear(survey.data.size());
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> unit(n), image(n);
      unit[j] = 1.0;
      each(survey.basis, components, [&](std::size_t first, std::size_t mode) {
        survey.basis.synthesis_adjoint(std::span<double>(unit).subspan(first, pixels),
                                       std::span<Complex>(a).subspan(mode, modes / components));
      });
      apply_prior(survey, a, b);
      each(survey.basis, components, [&](std::size_t first, std::size_t mode) {
        survey.basis.synthesis(std::span<Complex>(b).subspan(mode, modes / components),
                               std::span<double>(image).subspan(first, pixels));
      });
      survey.shear.apply(b, shear);
      for (std::size_t i = 0; i < n; ++i) prior(i, j) = image[i];
      for (std::size_t i = 0; i < shear.size(); ++i) cross(i, j) = shear[i];
    }
    for (std::size_t j = 0; j < shear.size(); ++j) {
      std::vector<double> unit(shear.size());
      unit[j] = 1.0;
      survey.shear.apply_adjoint(unit, a);
      apply_prior(survey, a, b);
      survey.shear.apply(b, shear);
      for (std::size_t i = 0; i < shear.size(); ++i) total(i, j) = shear[i];
    }
    solve(survey.data, survey.information, prior, cross, total);
  }

  std::vector<double> mean;
  test::Matrix covariance{0, 0};

 private:
  /// f(first pixel, first mode) of every component.
  template <class F>
  static void each(const harmonic::HarmonicBasis& basis, std::size_t components, F f) {
    for (std::size_t c = 0; c < components; ++c) f(c * basis.pixel_count(), c * basis.mode_count());
  }

  template <class Basis>
  static void apply_prior(const SmallSurveyOn<Basis>& survey, const std::vector<Complex>& a,
                          std::vector<Complex>& b) {
    survey.signal.apply_root_adjoint(a, b);
    survey.signal.apply_root(b, b);
  }

  /// mean = C d and covariance = S - C A S with C = S A^T (A S A^T + N)^-1, over the observed data only;
  /// cross = A S, and all = A S A^T.
  void solve(const std::vector<double>& data, const std::vector<double>& information,
             const test::Matrix& prior, const test::Matrix& cross, const test::Matrix& all) {
    std::vector<std::size_t> seen;
    for (std::size_t i = 0; i < data.size(); ++i)
      if (information[i] > 0.0) seen.push_back(i);
    const std::size_t n = prior.rows();
    test::Matrix observed(seen.size(), n), total(seen.size(), seen.size()), d(seen.size(), 1);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      d(i, 0) = data[seen[i]];
      for (std::size_t j = 0; j < n; ++j) observed(i, j) = cross(seen[i], j);
      for (std::size_t j = 0; j < seen.size(); ++j) total(i, j) = all(seen[i], seen[j]);
      total(i, i) += 1.0 / information[seen[i]];
    }
    const test::Matrix weights = test::solve(total, observed);  // (A S A^T + N)^-1 A S
    const test::Matrix mean_column = test::multiply(test::transpose(weights), d);
    const test::Matrix lost = test::multiply(test::transpose(observed), weights);
    covariance = prior;
    for (std::size_t i = 0; i < n; ++i) {
      mean.push_back(mean_column(i, 0));
      for (std::size_t j = 0; j < n; ++j) covariance(i, j) -= lost(i, j);
    }
  }
};

}  // namespace tessera::test
