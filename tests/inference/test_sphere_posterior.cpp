#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "inference/gaussian_posterior.hpp"
#include "support/small_survey.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using namespace tessera::inference;
using test::DensePosterior;
using test::SmallSphere;
using test::tight;

namespace {

constexpr std::uint64_t nside = 4, lmax = 8;

std::vector<double> mean_map(const SmallSphere& survey) {
  const GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  std::vector<Complex> x(survey.basis.mode_count());
  CHECK(posterior.mean(survey.data, x, tight).converged);
  std::vector<double> kappa(survey.basis.pixel_count());
  posterior.synthesis(x, kappa);
  return kappa;
}

/// Draws less the mean, [pixel][draw].
test::Matrix draw_maps(const SmallSphere& survey, std::size_t draws) {
  const GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  std::vector<Complex> x(survey.basis.mode_count());
  std::vector<double> kappa(survey.basis.pixel_count());
  test::Matrix maps(kappa.size(), draws);
  for (std::size_t r = 0; r < draws; ++r) {
    std::fill(x.begin(), x.end(), Complex{});
    posterior.fluctuation(11, static_cast<std::uint32_t>(r), x, {}, {1e-8, 200});
    posterior.synthesis(x, kappa);
    for (std::size_t p = 0; p < kappa.size(); ++p) maps(p, r) = kappa[p];
  }
  return maps;
}

/// Real harmonics of the multipoles [low, high) on the pixels, one a row.
test::Matrix harmonics(const harmonic::SphereBasis& basis, std::uint64_t low, std::uint64_t high) {
  std::vector<std::vector<double>> rows;
  const auto add = [&](std::size_t mode, Complex value) {
    std::vector<Complex> modes(basis.mode_count());
    modes[mode] = value;
    rows.emplace_back(basis.pixel_count());
    basis.synthesis(modes, rows.back());
  };
  std::size_t k = 0;
  for (std::uint64_t m = 0; m <= lmax; ++m)
    for (std::uint64_t l = m; l <= lmax; ++l, ++k) {
      if (l < low || l >= high) continue;
      add(k, m == 0 ? 1.0 : 0.5 * std::numbers::sqrt2);
      if (m > 0) add(k, Complex(0.0, 0.5 * std::numbers::sqrt2));
    }
  test::Matrix result(rows.size(), basis.pixel_count());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t p = 0; p < rows[i].size(); ++p) result(i, p) = rows[i][p];
  return result;
}

}  // namespace

TEST_CASE("sphere: the Wiener mean is that of dense algebra, with the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const SmallSphere survey(comm, nside, lmax), serial(alone, nside, lmax);
  const auto kappa = mean_map(survey), whole = mean_map(serial);
  const DensePosterior dense(serial);
  double scale = 0.0;
  for (const double value : dense.mean) scale = std::max(scale, std::abs(value));
  CHECK(scale > 0.1);
  for (std::size_t p = 0; p < kappa.size(); ++p) {
    CHECK(kappa[p] == whole[survey.basis.first_pixel() + p]);
    CHECK(kappa[p] == Approx(dense.mean[survey.basis.first_pixel() + p]).margin(1e-9));
  }
}

TEST_CASE("sphere: draws have the posterior's covariance band by band, and its distribution") {
  const mpi::Communicator world, alone(MPI_COMM_SELF);
  if (!world.is_root()) return;  // one rank's work is enough
  const SmallSphere survey(alone, nside, lmax);
  const DensePosterior dense(survey);
  constexpr std::size_t draws = 1500;
  const test::Matrix maps = draw_maps(survey, draws);
  for (std::size_t p = 0; p < maps.rows(); ++p) {
    std::vector<double> standardised;
    double mean = 0.0;
    for (std::size_t r = 0; r < draws; ++r) {
      standardised.push_back(maps(p, r) / std::sqrt(dense.covariance(p, p)));
      mean += standardised.back() / draws;
    }
    CHECK(test::kolmogorov_smirnov_p(standardised, test::normal_cdf) > 1e-5);
    CHECK(std::abs(mean) < 4.5 / std::sqrt(static_cast<double>(draws)));
  }
  for (const auto& [low, high] : {std::pair(2, 4), {4, 6}, {6, 8}, {8, 9}, {2, 9}}) {
    const test::Matrix rows =
        harmonics(survey.basis, static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high));
    const test::Matrix covariance =
        test::multiply(test::multiply(rows, dense.covariance), test::transpose(rows));
    const test::Matrix found = test::multiply(rows, maps), weighted = test::solve(covariance, found);
    std::vector<double> chi2(draws);
    double mean = 0.0, square = 0.0;
    for (std::size_t r = 0; r < draws; ++r) {
      for (std::size_t i = 0; i < found.rows(); ++i) chi2[r] += found(i, r) * weighted(i, r);
      mean += chi2[r] / draws;
      square += chi2[r] * chi2[r] / draws;
    }
    // chi^2 of n values: mean n, variance 2 n, whose estimate errs by sqrt(8 n^2 + 48 n).
    const auto n = static_cast<double>(found.rows());
    CHECK(std::abs(mean - n) < 4.5 * std::sqrt(2.0 * n / draws));
    CHECK(std::abs(square - mean * mean - 2.0 * n) < 4.5 * std::sqrt((8.0 * n * n + 48.0 * n) / draws));
  }
}
