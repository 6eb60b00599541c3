#include <cmath>

#include <catch2/catch.hpp>

#include "posterior/pixel_spectrum.hpp"
#include "posterior/posterior_mode.hpp"
#include "posterior/sparse.hpp"
#include "support/adjoint.hpp"
#include "support/small_survey.hpp"

using namespace tessera;
using namespace tessera::posterior;
using harmonic::PlaneBasis;
using test::SmallSurvey;

namespace {

std::vector<double> variances(const SmallSurvey& survey) {
  std::vector<double> variance(survey.information.size());
  for (std::size_t i = 0; i < variance.size(); ++i)
    variance[i] = survey.information[i] > 0.0 ? 1.0 / survey.information[i] : 0.0;
  return variance;
}

/// Half chi^2 plus the penalty, from the definitions.
double objective(const SmallSurvey& survey, SparsePrior& prior, const std::vector<Complex>& kappa) {
  const PlaneBasis& basis = survey.basis;
  const std::size_t n = basis.pixel_count();
  std::vector<double> residual(survey.data.size()), coefficients(prior.components() * n);
  survey.shear.apply(kappa, residual);
  for (std::size_t i = 0; i < residual.size(); ++i)
    residual[i] = std::sqrt(survey.information[i]) * (residual[i] - survey.data[i]);
  double chi2 = 0.0;
  for (std::size_t d = 0; d < 2; ++d) {
    const ConstPixels part = ConstPixels(residual).subspan(d * n, n);
    chi2 += basis.dot(part, part);
  }
  std::vector<Complex> scaled = kappa;
  for (Complex& mode : scaled) mode /= std::sqrt(basis.pixel_area());
  prior.analysis(scaled, coefficients);
  return 0.5 * chi2 + prior.penalty(coefficients);
}

std::vector<Complex> white(const PlaneBasis& basis, std::uint32_t number, double scale) {
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(3, Purpose::test, 50 + number), Modes(modes));
  for (Complex& mode : modes) mode *= scale * std::sqrt(basis.pixel_area());
  return modes;
}

template <class F>
void for_priors(const SmallSurvey& survey, F f) {
  const std::vector<double> spectrum = pixel_spectrum(survey.basis, survey.signal);
  StarletPrior starlet(survey.basis, spectrum, 3, 1.0);
  f("starlet", starlet);
  TotalVariationPrior variation(survey.basis, spectrum, 1.0);
  f("total variation", variation);
}

}  // namespace

TEST_CASE("sparse priors: the transpose, the bound of the norm, the dual of the penalty") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {21, 18});
  const PlaneBasis& basis = survey.basis;
  const std::size_t n = basis.pixel_count();
  for_priors(survey, [&](const char* name, SparsePrior& prior) {
    INFO(name);
    const std::vector<Complex> modes = white(basis, 1, 1.0);
    std::vector<double> image(prior.components() * n), other(image.size());
    for (std::size_t c = 0; c < prior.components(); ++c)
      basis.white_noise(RandomStream(4, Purpose::test, static_cast<std::uint32_t>(c)),
                        Pixels(other).subspan(c * n, n));
    std::vector<Complex> back(basis.mode_count());
    prior.analysis(modes, image);
    prior.adjoint(other, back);
    const auto dot = [&](const std::vector<double>& a, const std::vector<double>& b) {
      double sum = 0.0;
      for (std::size_t c = 0; c < prior.components(); ++c)
        sum += basis.dot(ConstPixels(a).subspan(c * n, n), ConstPixels(b).subspan(c * n, n));
      return sum;
    };
    const double image_square = dot(image, image);
    CHECK(test::adjoint_error(dot(image, other), basis.dot(ConstModes(modes), ConstModes(back)), image_square,
                              dot(other, other)) < 1e-12);
    CHECK(image_square <= prior.norm_square() * basis.dot(ConstModes(modes), ConstModes(modes)));
    // <z, K x> <= penalty(K x) for every z of the dual, and nearly equal for z towards K x.
    std::vector<double> dual = image;
    for (double& value : dual) value *= 1e9;
    prior.project(dual);
    CHECK(dot(dual, image) == Approx(prior.penalty(image)).epsilon(1e-6));
    std::vector<double> random = other;
    for (double& value : random) value *= 1e9;
    prior.project(random);
    CHECK(dot(random, image) < 0.9 * prior.penalty(image));
  });
}

TEST_CASE("the total variation of a step is its height times its length") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {16, 12});
  const PlaneBasis& basis = survey.basis;
  std::vector<double> map(basis.pixel_count());
  for (std::size_t p = 0; p < map.size(); ++p) map[p] = (basis.first_pixel() + p) % 16 < 5 ? 0.3 : 0.0;
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(map, modes);
  for (Complex& mode : modes) mode *= std::sqrt(basis.pixel_area());
  TotalVariationPrior prior(basis, pixel_spectrum(basis, survey.signal), 1.0),
      twice(basis, pixel_spectrum(basis, survey.signal), 2.0);
  std::vector<double> coefficients(2 * map.size());
  prior.analysis(modes, coefficients);
  double total = 0.0;
  for (std::size_t p = 0; p < map.size(); ++p)
    total += std::hypot(coefficients[p], coefficients[map.size() + p]);
  CHECK(comm.sum(total) == Approx(2.0 * 12.0 * 0.3));
  CHECK(twice.penalty(coefficients) == Approx(2.0 * prior.penalty(coefficients)));
}

TEST_CASE("sparse estimates minimise their objective") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {21, 18});
  for_priors(survey, [&](const char* name, SparsePrior& prior) {
    std::vector<Complex> kappa(survey.basis.mode_count());
    const SparseReport report = sparse_estimate(comm, survey.basis, survey.shear, survey.data,
                                                variances(survey), prior, {1e-6, 20000}, kappa);
    INFO(name << ": " << report.iterations << " iterations, change " << report.change);
    CHECK(report.converged);
    const double least = objective(survey, prior, kappa);
    CHECK(report.objective == Approx(least));
    CHECK(least < objective(survey, prior, std::vector<Complex>(kappa.size())));
    // Along any direction it rises, and quickly along some: the minimum is sharp.
    for (std::uint32_t direction = 0; direction < 12; ++direction)
      for (const double length : {1e-3, 1e-2, 0.1}) {
        std::vector<Complex> moved = kappa;
        const std::vector<Complex> step = white(survey.basis, direction, length);
        for (std::size_t k = 0; k < moved.size(); ++k)
          moved[k] += survey.basis.ell()[k] > 0.0 ? step[k] : Complex(0.0);
        CHECK(objective(survey, prior, moved) > least);
      }
  });
}

TEST_CASE("the maximum of a Gaussian posterior is its mean") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {15, 11});
  const std::vector<double> variance = variances(survey),
                            spectrum = pixel_spectrum(survey.basis, survey.signal);
  const inference::WholeShearOperator whole(survey.basis);
  ModeOptions options;
  options.sigma = 0.3;
  options.lowest_sigma = 0.03;
  options.iterations = 40;
  const std::vector<Complex> mode =
      posterior_mode(survey.basis, whole, spectrum, survey.data, variance, nullptr, options);
  const inference::GaussianPosterior exact(survey.basis, survey.shear, survey.signal, survey.information);
  std::vector<Complex> x(mode.size()), mean(mode.size());
  REQUIRE(exact.mean(survey.data, x, test::tight).converged);
  survey.signal.apply_root(x, mean);
  std::vector<Complex> difference(mode.size());
  for (std::size_t k = 0; k < mode.size(); ++k) difference[k] = mode[k] - mean[k];
  const auto size = [&](const std::vector<Complex>& modes) {
    return std::sqrt(survey.basis.dot(ConstModes(modes), ConstModes(modes)));
  };
  // sigma^2 of the noise is left out at the end, N / sigma^2 is about 1000.
  CHECK(size(difference) < 0.02 * size(mean));
}
