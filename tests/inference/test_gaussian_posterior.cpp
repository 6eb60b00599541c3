#include <cmath>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "harmonic/plane_basis.hpp"
#include "inference/gaussian_posterior.hpp"
#include "inference/posterior_variance.hpp"
#include "support/small_survey.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using namespace tessera::inference;
using harmonic::PlaneBasis;
using test::DensePosterior;
using test::pixel;
using test::SmallSurvey;
using test::tight;
using theory::PowerSpectrum;

namespace {

std::vector<double> mean_map(const SmallSurvey& survey) {
  const GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  const std::size_t components = survey.signal.components();
  std::vector<Complex> x(components * survey.basis.mode_count());
  const auto report = posterior.mean(survey.data, x, tight);
  CHECK(report.converged);
  std::vector<double> kappa(components * survey.basis.pixel_count());
  posterior.synthesis(x, kappa);
  return kappa;
}

}  // namespace

TEST_CASE("the Wiener mean is that of dense algebra") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const PaddedBox box : {PaddedBox{8, 6}, PaddedBox{7, 5}}) {
    const SmallSurvey survey(comm, box), serial(alone, box);
    const auto kappa = mean_map(survey);
    const DensePosterior dense(serial);
    for (std::size_t p = 0; p < kappa.size(); ++p)
      REQUIRE(kappa[p] == Approx(dense.mean[survey.basis.first_pixel() + p]).margin(1e-9));
  }
}

TEST_CASE("two correlated components are filtered jointly") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const SmallSurvey survey(alone, {6, 5}, 2);
  const auto kappa = mean_map(survey);
  const DensePosterior dense(survey);
  for (std::size_t p = 0; p < kappa.size(); ++p) REQUIRE(kappa[p] == Approx(dense.mean[p]).margin(1e-9));
}

TEST_CASE("the bits of mean and draws do not depend on the rank count") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const PaddedBox box{12, 10};
  const SmallSurvey survey(comm, box), serial(alone, box);
  const auto kappa = mean_map(survey), whole = mean_map(serial);
  for (std::size_t p = 0; p < kappa.size(); ++p) REQUIRE(kappa[p] == whole[survey.basis.first_pixel() + p]);
  const auto draw = [](const SmallSurvey& s) {
    const GaussianPosterior posterior(s.basis, s.shear, s.signal, s.information);
    std::vector<Complex> x(s.basis.mode_count());
    CHECK(posterior.fluctuation(9, 4, x, {}, {1e-6, 100}).converged);
    std::vector<double> map(s.basis.pixel_count());
    posterior.synthesis(x, map);
    return map;
  };
  const auto mine = draw(survey), all = draw(serial);
  for (std::size_t p = 0; p < mine.size(); ++p) REQUIRE(mine[p] == all[survey.basis.first_pixel() + p]);
}

TEST_CASE("constrained realisations have the posterior's covariance and distribution") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const SmallSurvey survey(alone, {6, 5});
  const DensePosterior dense(survey);
  const GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  const std::size_t n = survey.basis.pixel_count();
  constexpr int draws = 4000;
  test::Matrix covariance(n, n);
  std::vector<std::vector<double>> standardised(n);
  std::vector<Complex> x(survey.basis.mode_count());
  std::vector<double> kappa(n);
  for (std::uint32_t r = 0; r < draws; ++r) {
    std::fill(x.begin(), x.end(), Complex{});
    posterior.fluctuation(11, r, x, {}, tight);
    posterior.synthesis(x, kappa);
    for (std::size_t i = 0; i < n; ++i) {
      standardised[i].push_back(kappa[i] / std::sqrt(dense.covariance(i, i)));
      for (std::size_t j = 0; j < n; ++j) covariance(i, j) += kappa[i] * kappa[j] / draws;
    }
  }
  double chi2 = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    // The standard error of a covariance of Gaussians.
    for (std::size_t j = 0; j < n; ++j) {
      const double ii = dense.covariance(i, i), jj = dense.covariance(j, j), ij = dense.covariance(i, j);
      const double error = std::sqrt((ii * jj + ij * ij) / draws);
      CHECK(std::abs(covariance(i, j) - ij) < 5.5 * error);
      if (i == j) chi2 += std::pow((covariance(i, j) - ij) / error, 2);
    }
    CHECK(test::kolmogorov_smirnov_p(standardised[i], test::normal_cdf) > 1e-5);
  }
  CHECK(chi2 / static_cast<double>(n) < 2.5);
}

TEST_CASE("the variance from draws and their complement is exact on average and as sharp as it says") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const SmallSurvey survey(alone, {6, 5});
  const DensePosterior dense(survey);
  const GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  const std::size_t n = survey.basis.pixel_count();
  constexpr int repeats = 400, draws = 25;
  std::vector<double> sum(n), squares(n), kappa(n), prior(n);
  std::vector<Complex> x(survey.basis.mode_count()), w(x);
  const double prior_variance = posterior.prior_variance(0);
  double effective = 0.0;
  for (std::uint32_t r = 0; r < repeats; ++r) {
    PosteriorVariance estimate(survey.basis, prior_variance);
    for (std::uint32_t d = 0; d < draws; ++d) {
      std::fill(x.begin(), x.end(), Complex{});
      posterior.fluctuation(12, r * draws + d, x, w, tight);
      posterior.synthesis(x, kappa);
      posterior.synthesis(w, prior);
      estimate.add(kappa, prior);
    }
    const auto variance = estimate.variance();
    for (std::size_t i = 0; i < n; ++i) {
      const double ratio = variance[i] / dense.covariance(i, i) - 1.0;
      sum[i] += ratio / repeats;
      squares[i] += ratio * ratio / repeats;
    }
    effective = estimate.effective_draws(dense.covariance(0, 0));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double ratio = dense.covariance(i, i) / (prior_variance - dense.covariance(i, i));
    const double expected = 2.0 / (draws * (1.0 + ratio * ratio));  // relative variance of the estimate
    CHECK(std::abs(sum[i]) < 5.0 * std::sqrt(expected / repeats) + 0.5 / draws * std::sqrt(expected));
    CHECK(squares[i] / expected == Approx(1.0).margin(0.35));
  }
  CHECK(effective > 1.05 * draws);
}

TEST_CASE("with huge noise the posterior is the prior, with none the data are reproduced") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  SmallSurvey survey(alone, {8, 8});
  std::fill(survey.information.begin(), survey.information.end(), 1e-12);
  for (const double value : mean_map(survey)) CHECK(std::abs(value) < 1e-6);

  const DirectOperator direct(survey.basis);
  const std::size_t n = survey.basis.pixel_count();
  const std::vector<double> information(n, 1e10);
  std::vector<double> data(survey.data.begin(), survey.data.begin() + static_cast<std::ptrdiff_t>(n));
  double mean = 0.0;
  for (const double value : data) mean += value / static_cast<double>(n);
  const GaussianPosterior posterior(survey.basis, direct, survey.signal, information);
  std::vector<Complex> x(survey.basis.mode_count());
  posterior.mean(data, x, tight);
  std::vector<double> kappa(n);
  posterior.synthesis(x, kappa);
  for (std::size_t p = 0; p < n; ++p) CHECK(kappa[p] == Approx(data[p] - mean).margin(1e-4));
}

TEST_CASE("spectra that are no covariance are refused") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {4, 4}, pixel);
  const PowerSpectrum one({1.0, 1e5}, {1.0, 1.0}, "one"), two({1.0, 1e5}, {2.0, 2.0}, "two");
  CHECK_THROWS_AS(SignalCovariance(basis, {one, two, one}, false), Error);
}
