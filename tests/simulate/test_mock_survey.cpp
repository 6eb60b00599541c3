#include <cmath>

#include <catch2/catch.hpp>

#include "simulate/mock_survey.hpp"
#include "simulate/random_field.hpp"

using namespace tessera;
using harmonic::PlaneBasis;

namespace {

const PaddedBox box{60, 52};
constexpr double arcmin = 2.908882086657216e-4, pixel_arcmin = 0.5;

simulate::SurveyPrior prior() {
  return {{simulate::Footprint::full, simulate::Footprint::starry, simulate::Footprint::cosmos},
          {5.0, 70.0},
          {0.25, 0.31},
          0.25,
          0.3};
}

std::vector<double> sky(const PlaneBasis& basis) {
  const inference::SignalCovariance signal(basis, {{{10.0, 1e5}, {1e-7, 1e-11}, "test"}}, true);
  return simulate::gaussian_kappa(basis, signal, 2);
}

double mean(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

}  // namespace

TEST_CASE("the noise of a mock survey has the variance that it is given with, pixel by pixel") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, box, pixel_arcmin * arcmin);
  const auto kappa = sky(basis);
  const auto truth = simulate::with_shear(basis, kappa);
  std::vector<double> z, z4;
  for (std::uint32_t r = 0; r < 20; ++r) {
    const auto survey = simulate::observe(basis, kappa, prior(), 7, r);
    for (std::size_t p = 0; p < kappa.size(); ++p) {
      const double sigma = survey.noise_sigma[p];
      if (!(sigma > 0.0)) {
        REQUIRE((survey.gamma1[p] == 0.0 && survey.gamma2[p] == 0.0));
        continue;
      }
      for (const double d : {survey.gamma1[p] - truth.gamma1[p], survey.gamma2[p] - truth.gamma2[p]}) {
        z.push_back(d / sigma * d / sigma);
        z4.push_back(std::pow(d / sigma, 4));
      }
    }
  }
  const auto n = static_cast<double>(z.size());
  REQUIRE(n > 20000.0);
  CHECK(mean(z) == Approx(1.0).margin(5.0 * std::sqrt(2.0 / n)));
  CHECK(mean(z4) == Approx(3.0).margin(5.0 * std::sqrt(96.0 / n)));
}

TEST_CASE("depths fill their range evenly in the logarithm, and galaxies have that density") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, box, pixel_arcmin * arcmin);
  const std::vector<double> kappa(basis.pixel_count(), 0.0);
  simulate::SurveyPrior whole = prior();
  whole.footprints = {simulate::Footprint::full};
  std::vector<double> u, uu, excess, even;
  for (std::uint32_t r = 0; r < 400; ++r) {
    const auto survey = simulate::observe(basis, kappa, whole, 3, r);
    const double depth = std::log(survey.density / 5.0) / std::log(14.0);
    REQUIRE((depth >= 0.0 && depth <= 1.0));
    REQUIRE((survey.sigma_e >= 0.25 && survey.sigma_e <= 0.31));
    u.push_back(depth);
    uu.push_back(depth * depth);
    double galaxies = 0.0, least = 1e9, most = 0.0;
    for (const double sigma : survey.noise_sigma) {
      const double count = sigma > 0.0 ? survey.sigma_e * survey.sigma_e / (sigma * sigma) : 0.0;
      galaxies += count;
      least = std::min(least, count);
      most = std::max(most, count);
    }
    even.push_back(most - least < 1e-9 ? 1.0 : 0.0);
    if (even.back() == 0.0)
      excess.push_back(galaxies /
                       (survey.density * static_cast<double>(kappa.size()) * pixel_arcmin * pixel_arcmin));
  }
  CHECK(mean(u) == Approx(0.5).margin(5.0 * std::sqrt(1.0 / 12.0 / 400.0)));
  CHECK(mean(uu) == Approx(1.0 / 3.0).margin(5.0 * std::sqrt(4.0 / 45.0 / 400.0)));
  CHECK(mean(even) == Approx(0.3).margin(5.0 * std::sqrt(0.21 / 400.0)));
  // The density is a lognormal field with an rms of 0.25 in the logarithm: its mean is exp(0.25^2 / 2).
  CHECK(mean(excess) == Approx(std::exp(0.5 * 0.25 * 0.25)).margin(0.03));
}

TEST_CASE("footprints: all, all but stars, and the mosaic's share") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {200, 180}, pixel_arcmin * arcmin);
  const std::vector<double> kappa(basis.pixel_count(), 0.0);
  const auto share = [&](simulate::Footprint footprint, std::uint32_t realisation) {
    simulate::SurveyPrior one = prior();
    one.footprints = {footprint};
    one.even_share = 1.0;
    double seen = 0.0;
    for (const double sigma : simulate::observe(basis, kappa, one, 1, realisation).noise_sigma)
      seen += sigma > 0.0 ? 1.0 : 0.0;
    return seen / static_cast<double>(kappa.size());
  };
  CHECK(share(simulate::Footprint::full, 0) == 1.0);
  const double starry = share(simulate::Footprint::starry, 0), cosmos = share(simulate::Footprint::cosmos, 0);
  CHECK((starry > 0.9 && starry < 1.0));
  CHECK((cosmos > 0.45 && cosmos < 0.65));
  CHECK(share(simulate::Footprint::starry, 1) != starry);  // stars of its own
}

TEST_CASE("mock surveys: the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const PlaneBasis ours(comm, box, pixel_arcmin * arcmin), whole(alone, box, pixel_arcmin * arcmin);
  for (std::uint32_t r = 0; r < 3; ++r) {
    const auto mine = simulate::observe(ours, sky(ours), prior(), 7, r);
    const auto all = simulate::observe(whole, sky(whole), prior(), 7, r);
    CHECK(mine.density == all.density);
    for (std::size_t p = 0; p < mine.gamma1.size(); ++p) {
      REQUIRE(mine.gamma1[p] == all.gamma1[ours.first_pixel() + p]);
      REQUIRE(mine.gamma2[p] == all.gamma2[ours.first_pixel() + p]);
      REQUIRE(mine.noise_sigma[p] == all.noise_sigma[ours.first_pixel() + p]);
    }
  }
}
