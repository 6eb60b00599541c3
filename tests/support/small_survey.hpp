#pragma once

#include <cmath>

#include "harmonic/plane_basis.hpp"
#include "inference/gaussian_posterior.hpp"
#include "support/dense.hpp"

namespace tessera::test {

using harmonic::PlaneBasis;
using inference::CgOptions;
using inference::Complex;
using inference::ShearOperator;
using inference::SignalCovariance;
using theory::PowerSpectrum;

inline constexpr double pixel = 1e-3;
inline constexpr CgOptions tight{1e-12, 1000};

/// A survey on a small box with holes and uneven noise; signal and noise are of one order.
struct SmallSurvey {
  SmallSurvey(const mpi::Communicator& comm, PaddedBox box, std::size_t components = 1)
      : basis(comm, box, pixel), shear(basis, components), signal(basis, spectra(components), true) {
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

  static std::vector<PowerSpectrum> spectra(std::size_t components) {
    const auto power = [](double scale) {
      return PowerSpectrum({1.0, 1e5}, {scale * 1e-2, scale * 1e-7}, "test");
    };
    if (components == 1) return {power(1.0)};
    return {power(1.0), power(0.7), power(1.5)};
  }

  PlaneBasis basis;
  ShearOperator shear;
  SignalCovariance signal;
  std::vector<double> information, data;
};

/// Posterior of the pixels of kappa by dense algebra, from unit responses of the operators: no whitening, no
/// CG.
struct DensePosterior {
  explicit DensePosterior(const SmallSurvey& survey) {
    const PlaneBasis& basis = survey.basis;
    const std::size_t pixels = basis.pixel_count(), components = survey.signal.components();
    const std::size_t n = components * pixels, modes = basis.mode_count();
    test::Matrix prior(n, n), response(survey.data.size(), n);
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> unit(n), image(n);
      unit[j] = 1.0;
      std::vector<Complex> a(components * modes), b(components * modes);
      for (std::size_t c = 0; c < components; ++c)
        basis.synthesis_adjoint(std::span<double>(unit).subspan(c * pixels, pixels),
                                std::span<Complex>(a).subspan(c * modes, modes));
      survey.signal.apply_root_adjoint(a, b);
      survey.signal.apply_root(b, b);
      for (std::size_t c = 0; c < components; ++c)
        basis.synthesis(std::span<Complex>(b).subspan(c * modes, modes),
                        std::span<double>(image).subspan(c * pixels, pixels));
      for (std::size_t i = 0; i < n; ++i) prior(i, j) = image[i];
      std::vector<double> shear(survey.data.size());
      for (Complex& value : a) value *= basis.pixel_area();
      survey.shear.apply(a, shear);
      for (std::size_t i = 0; i < shear.size(); ++i) response(i, j) = shear[i];
    }
    solve(survey, prior, response);
  }

  /// mean = C d and covariance = S - C P S with C = S P^T (P S P^T + N)^-1, over the observed data only.
  void solve(const SmallSurvey& survey, const test::Matrix& prior, const test::Matrix& response) {
    std::vector<std::size_t> seen;
    for (std::size_t i = 0; i < survey.data.size(); ++i)
      if (survey.information[i] > 0.0) seen.push_back(i);
    const std::size_t n = prior.rows();
    test::Matrix observed(seen.size(), n), d(seen.size(), 1);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      d(i, 0) = survey.data[seen[i]];
      for (std::size_t j = 0; j < n; ++j) observed(i, j) = response(seen[i], j);
    }
    const test::Matrix cross = test::multiply(observed, prior);  // P S
    test::Matrix total = test::multiply(cross, test::transpose(observed));
    for (std::size_t i = 0; i < seen.size(); ++i) total(i, i) += 1.0 / survey.information[seen[i]];
    const test::Matrix weights = test::solve(total, cross);  // (P S P^T + N)^-1 P S
    const test::Matrix mean_column = test::multiply(test::transpose(weights), d);
    const test::Matrix lost = test::multiply(test::transpose(cross), weights);
    covariance = prior;
    for (std::size_t i = 0; i < n; ++i) {
      mean.push_back(mean_column(i, 0));
      for (std::size_t j = 0; j < n; ++j) covariance(i, j) -= lost(i, j);
    }
  }

  std::vector<double> mean;
  test::Matrix covariance{0, 0};
};

}  // namespace tessera::test
