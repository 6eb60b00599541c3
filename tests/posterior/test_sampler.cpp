#include <cmath>
#include <numbers>
#include <numeric>

#include <catch2/catch.hpp>

#include "posterior/descent.hpp"
#include "posterior/hmc.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "posterior/sampler.hpp"
#include "support/small_survey.hpp"
#include "support/statistics.hpp"

using namespace tessera;
using namespace tessera::posterior;
using harmonic::PlaneBasis;
using test::DensePosterior;
using test::SmallSurvey;

namespace {

constexpr double sigma = 0.35;

std::vector<double> variances(const SmallSurvey& survey) {
  std::vector<double> variance(survey.information.size());
  for (std::size_t i = 0; i < variance.size(); ++i)
    variance[i] = survey.information[i] > 0.0 ? 1.0 / survey.information[i] : 0.0;
  return variance;
}

/// The sampler of a small survey with a Gaussian prior.
struct GaussianSampler {
  explicit GaussianSampler(const SmallSurvey& survey, HmcOptions options, std::size_t levels = 3,
                           std::uint64_t seed = 5)
      : basis(&survey.basis),
        variance(variances(survey)),
        whole(survey.basis),
        spectrum(pixel_spectrum(survey.basis, survey.signal)),
        blurred(survey.basis, whole, spectrum, survey.data, variance, sigma, nullptr),
        hmc(blurred, options, seed),
        descent(survey.basis, spectrum, Descent::schedule(sigma, 0.1 * sigma, levels), nullptr) {
    std::vector<Complex> start(blurred.size());
    REQUIRE(blurred.gaussian_draw(seed, test::tight, start));
    hmc.begin(std::move(start));
  }

  /// kappa of the next sample.
  std::vector<double> next(int trajectories) {
    for (int i = 0; i < trajectories; ++i) hmc.advance();
    std::vector<Complex> field(basis->mode_count());
    blurred.unwhiten(hmc.state().position, field);
    descent.draw(field, std::nullopt, 5, number++);
    std::vector<double> kappa(basis->pixel_count());
    basis->synthesis(field, kappa);
    return kappa;
  }

  const PlaneBasis* basis;
  std::vector<double> variance;
  inference::WholeShearOperator whole;
  std::vector<double> spectrum;
  BlurredPosterior blurred;
  Hmc hmc;
  Descent descent;
  std::uint32_t number = 0;
};

/// Means, variances and covariances of neighbours over samples, in units of their Monte-Carlo errors against
/// dense algebra.
struct Deviations {
  double mean = 0.0, variance = 0.0;  // rms over pixels
  double ratio = 0.0;                 // total variance over the exact one
};

Deviations deviations(const DensePosterior& exact, const std::vector<std::vector<double>>& samples,
                      double independent) {
  Deviations d;
  const std::size_t n = exact.mean.size();
  double found = 0.0, expected = 0.0;
  for (std::size_t p = 0; p < n; ++p) {
    const double truth = exact.covariance(p, p);
    double mean = 0.0, square = 0.0;
    for (const auto& sample : samples) mean += sample[p] / static_cast<double>(samples.size());
    for (const auto& sample : samples)
      square += std::pow(sample[p] - exact.mean[p], 2) / static_cast<double>(samples.size());
    d.mean += std::pow(mean - exact.mean[p], 2) / (truth / independent) / static_cast<double>(n);
    d.variance += std::pow(square / truth - 1.0, 2) / (2.0 / independent) / static_cast<double>(n);
    found += square;
    expected += truth;
  }
  d.mean = std::sqrt(d.mean);
  d.variance = std::sqrt(d.variance);
  d.ratio = found / expected;
  return d;
}

}  // namespace

TEST_CASE("without a network samples are those of the exact Gaussian posterior") {
  const mpi::Communicator comm;
  const PaddedBox box{9, 7};
  const SmallSurvey survey(comm, box);
  const DensePosterior exact(survey);
  constexpr int count = 2500;
  struct Case {
    HmcOptions options;
    int trajectories;
    double independent;  // samples that count, by their autocorrelation
  };
  // Generalised HMC without correction at a large step; trajectories; both with Metropolis' correction.
  for (const Case& c :
       {Case{{1.0, 0.3, 1, false}, 8, 0.4 * count}, Case{{0.8, 0.0, 4, false}, 4, 0.4 * count},
        Case{{0.4, 0.5, 1, true}, 20, 0.3 * count}, Case{{0.5, 0.0, 4, true}, 4, 0.3 * count}}) {
    GaussianSampler sampler(survey, c.options);
    std::vector<std::vector<double>> samples;
    for (int i = 0; i < count; ++i) samples.push_back(sampler.next(c.trajectories));
    const Deviations d = deviations(exact, samples, c.independent);
    INFO("step " << c.options.step << ", leapfrogs " << c.options.leapfrogs << ", Metropolis "
                 << c.options.metropolis << ": mean " << d.mean << ", variance " << d.variance << ", ratio "
                 << d.ratio << ", accepted " << sampler.hmc.counts().accepted << " of "
                 << sampler.hmc.counts().trajectories);
    CHECK(d.mean < 1.7);
    CHECK(d.variance < 1.7);
    CHECK(std::abs(d.ratio - 1.0) < 0.02);
    const double rate = static_cast<double>(sampler.hmc.counts().accepted) /
                        static_cast<double>(sampler.hmc.counts().trajectories);
    CHECK((c.options.metropolis ? rate > 0.5 && rate < 1.0 : rate == 1.0));
  }
}

TEST_CASE("what the states of a chain expect of kappa has the exact mean, and what it leaves is known") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {9, 7});
  const DensePosterior exact(survey);
  const std::vector<double> variance = variances(survey),
                            spectrum = pixel_spectrum(survey.basis, survey.signal);
  const inference::WholeShearOperator whole(survey.basis);
  SamplerOptions options;
  options.hmc.persistence = 0.3;
  options.sigma = sigma;
  options.start = test::tight;
  constexpr int count = 4000;
  Sampler sampler(survey.basis, whole, spectrum, survey.data, variance, nullptr, options, 5);
  sampler.begin(0);
  sampler.burn_in();
  std::vector<std::vector<double>> samples, expectations;
  std::vector<Complex> kappa(survey.basis.mode_count()), expected(kappa.size());
  for (int i = 0; i < count; ++i) {
    sampler.next(kappa, expected);
    for (auto& [modes, maps] : {std::pair{&kappa, &samples}, std::pair{&expected, &expectations}})
      survey.basis.synthesis(*modes, maps->emplace_back(survey.basis.pixel_count()));
  }
  const Deviations d = deviations(exact, samples, 0.4 * count),
                   e = deviations(exact, expectations, 0.4 * count);
  INFO("mean " << d.mean << ", of the expectation " << e.mean << "; variance " << d.ratio << ", " << e.ratio);
  CHECK(d.mean < 1.7);
  CHECK(e.mean < d.mean);
  // Of one state: Var(kappa) = Var(E[kappa | x]) + E[Var(kappa | x)].
  options.trajectories = 1;
  Sampler single(survey.basis, whole, spectrum, survey.data, variance, nullptr, options, 6);
  single.begin(0);
  single.burn_in();
  expectations.clear();
  for (int i = 0; i < 3 * count; ++i) {
    single.next(kappa, expected);
    survey.basis.synthesis(expected, expectations.emplace_back(survey.basis.pixel_count()));
  }
  std::vector<Complex> root(kappa.size());
  for (std::size_t k = 0; k < root.size(); ++k) root[k] = std::sqrt(gaussian_rest(spectrum[k], sigma));
  const auto n = static_cast<double>(exact.mean.size());
  double total = 0.0;
  for (std::size_t p = 0; p < exact.mean.size(); ++p) total += exact.covariance(p, p);
  const double rest = survey.basis.dot(ConstModes(root), ConstModes(root)) / total;
  INFO("of the states " << deviations(exact, expectations, n).ratio << ", left " << rest);
  CHECK(rest > 0.1);
  CHECK(deviations(exact, expectations, n).ratio + rest == Approx(1.0).epsilon(0.02));
}

TEST_CASE("modes drawn in turns given the others are a draw of all") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {9, 7});
  const DensePosterior exact(survey);
  const inference::GaussianPosterior posterior(survey.basis, survey.shear, survey.signal, survey.information);
  std::vector<Complex> right_side(survey.basis.mode_count()), x(right_side.size());
  posterior.right_side(survey.data, right_side);
  std::vector<std::uint8_t> large(x.size()), small(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    large[k] = survey.basis.ell()[k] < 1200.0 ? 1 : 0;
    small[k] = 1 - large[k];
  }
  REQUIRE(std::accumulate(large.begin(), large.end(), 0) > 3);
  constexpr test::CgOptions exactly{1e-8, 1000};
  constexpr int count = 4000;
  std::vector<std::vector<double>> samples;
  std::vector<double> given(survey.data.size());
  const auto redraw = [&](const std::vector<std::uint8_t>& marked, int number) {
    std::vector<Complex> others = x;
    for (std::size_t k = 0; k < x.size(); ++k) others[k] *= 1.0 - marked[k];
    posterior.response(others, given);
    REQUIRE(posterior.redraw(right_side, given, marked, 1, static_cast<std::uint32_t>(number), x, exactly)
                .converged);
  };
  for (int i = 0; i < count; ++i) {
    const std::vector<Complex> before = x;
    redraw(large, 2 * i);
    for (std::size_t k = 0; k < x.size(); ++k) REQUIRE((large[k] == 1 || x[k] == before[k]));
    redraw(small, 2 * i + 1);
    posterior.synthesis(x, samples.emplace_back(survey.basis.pixel_count()));
  }
  const Deviations d = deviations(exact, samples, 0.7 * count);
  INFO("mean " << d.mean << ", variance " << d.variance << ", ratio " << d.ratio);
  CHECK(d.mean < 1.3);
  CHECK(d.variance < 1.3);
  CHECK(std::abs(d.ratio - 1.0) < 0.03);
}

TEST_CASE("whitened samples are standard normal in every direction") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {5, 7});
  const DensePosterior exact(survey);
  GaussianSampler sampler(survey, {1.0, 0.3, 1, false});
  // The covariance of a map is singular (its mean is zero): a pixel less.
  const std::size_t n = exact.mean.size() - 1;
  test::Matrix covariance(n, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) covariance(i, j) = exact.covariance(i, j);
  std::vector<double> chi2;
  for (int i = 0; i < 600; ++i) {
    const std::vector<double> kappa = sampler.next(12);
    test::Matrix difference(n, 1);
    for (std::size_t p = 0; p < n; ++p) difference(p, 0) = kappa[p] - exact.mean[p];
    const test::Matrix solved = test::solve(covariance, difference);
    double sum = 0.0;
    for (std::size_t p = 0; p < n; ++p) sum += difference(p, 0) * solved(p, 0);
    chi2.push_back(sum);
  }
  // chi^2 of n degrees of freedom, by the approximation of Wilson and Hilferty.
  const auto dof = static_cast<double>(n);
  const auto cdf = [dof](double x) {
    return test::normal_cdf((std::cbrt(x / dof) - (1.0 - 2.0 / (9.0 * dof))) / std::sqrt(2.0 / (9.0 * dof)));
  };
  CHECK(test::kolmogorov_smirnov_p(chi2, cdf) > 1e-3);
}

TEST_CASE("the leapfrog is stable up to the step that the stiffness tells, and not beyond") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {12, 9});
  for (const double share : {0.95, 1.15}) {
    GaussianSampler sampler(survey, {});
    const double step = share * 2.0 / std::sqrt(sampler.blurred.stiffness(sampler.hmc.state().position));
    for (int i = 0; i < 300; ++i) sampler.hmc.leapfrog(step);
    const double size = sampler.blurred.dot(sampler.hmc.state().position, sampler.hmc.state().position);
    CHECK((share < 1.0 ? size < 1e5 : size > 1e8));
  }
}

namespace {

/// What makes the prior Gaussian with `precision` times the inverse spectrum of the blurred one.
class StifferScore final : public ResidualScore {
 public:
  StifferScore(std::vector<double> spectrum, double precision, std::vector<double> domain = {})
      : spectrum_(std::move(spectrum)), precision_(precision), domain_(std::move(domain)) {}
  void evaluate(ConstModes noisy, double s, Modes white) override {
    for (std::size_t k = 0; k < white.size(); ++k)
      white[k] = (1.0 - precision_) / std::sqrt(spectrum_[k] + s * s) * noisy[k];
  }
  [[nodiscard]] double variance_ratio(double /*ell*/, double /*s*/) const override { return 0.0; }
  [[nodiscard]] ConstPixels domain() const override { return domain_; }
  [[nodiscard]] double lowest_sigma() const override { return 1e-3; }
  [[nodiscard]] double highest_sigma() const override { return 10.0; }

 private:
  std::vector<double> spectrum_;
  double precision_;
  std::vector<double> domain_;
};

}  // namespace

TEST_CASE("the stiffness counts the learned prior") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {12, 9}, test::pixel);
  const inference::DirectOperator direct(basis);
  const std::vector<double> spectrum(basis.mode_count(), 0.5), none(basis.pixel_count(), 0.0);
  StifferScore score(spectrum, 3.7);
  BlurredPosterior blurred(basis, direct, spectrum, none, none, sigma, &score);
  std::vector<Complex> at(blurred.size());
  blurred.white_noise(2, Purpose::test, 0, at);
  CHECK(blurred.stiffness(at) == Approx(3.7).epsilon(1e-6));
}

namespace {

/// A learned prior that has learned nothing, and leaves large scales alone by contract.
class SilentScore final : public ResidualScore {
 public:
  explicit SilentScore(double below) : below_(below) {}
  void evaluate(ConstModes /*noisy*/, double /*s*/, Modes white) override {
    std::fill(white.begin(), white.end(), Complex(0.0));
  }
  [[nodiscard]] double variance_ratio(double /*ell*/, double /*s*/) const override { return 1.0; }
  [[nodiscard]] double gaussian_below() const override { return below_; }
  [[nodiscard]] double lowest_sigma() const override { return 1e-3; }
  [[nodiscard]] double highest_sigma() const override { return 10.0; }

 private:
  double below_;
};

/// Correlation of neighbours in a series.
double autocorrelation(const std::vector<double>& series) {
  const auto n = static_cast<double>(series.size());
  const double mean = std::accumulate(series.begin(), series.end(), 0.0) / n;
  double neighbours = 0.0, same = 0.0;
  for (std::size_t i = 0; i + 1 < series.size(); ++i) {
    neighbours += (series[i] - mean) * (series[i + 1] - mean);
    same += (series[i] - mean) * (series[i] - mean);
  }
  return neighbours / same;
}

}  // namespace

TEST_CASE("large scales that the learned prior leaves alone are drawn anew from sample to sample") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {9, 7});
  const std::vector<double> variance = variances(survey),
                            spectrum = pixel_spectrum(survey.basis, survey.signal);
  const inference::WholeShearOperator whole(survey.basis);
  SamplerOptions options;
  options.sigma = sigma;
  options.start = test::tight;
  options.trajectories = 1;
  options.hmc.step = 0.02;  // leapfrogs alone would hardly move
  SilentScore score(1200.0);
  Sampler sampler(survey.basis, whole, spectrum, survey.data, variance, &score, options, 5);
  sampler.begin(0);
  sampler.burn_in();
  constexpr int count = 400;
  const std::size_t modes = survey.basis.mode_count();
  std::vector<std::vector<double>> series(modes);
  std::vector<Complex> kappa(modes), expected(modes);
  for (int i = 0; i < count; ++i) {
    sampler.next(kappa, expected);
    for (std::size_t k = 0; k < modes; ++k) series[k].push_back(sampler.chain().state().position[k].real());
  }
  std::size_t large = 0;
  for (std::size_t k = 0; k < modes; ++k) {
    INFO("ell " << survey.basis.ell()[k]);
    if (survey.basis.ell()[k] < score.gaussian_below()) {
      ++large;
      CHECK(std::abs(autocorrelation(series[k])) < 0.2);
    } else {
      CHECK(autocorrelation(series[k]) > 0.8);
    }
  }
  CHECK(large > 3);
}

TEST_CASE("a descent has the learned prior's width within its domain and the Gaussian one's beyond") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {40, 32}, test::pixel);
  const std::vector<double> spectrum(basis.mode_count(), 0.5);
  std::vector<double> domain(basis.pixel_count());
  for (std::size_t p = 0; p < domain.size(); ++p) domain[p] = (basis.first_pixel() + p) % 40 < 17 ? 1.0 : 0.0;
  StifferScore score(spectrum, 1.0, domain);  // no residual, and a ratio of zero: no width at all
  Descent descent(basis, spectrum, {sigma}, &score);
  std::vector<Complex> field(basis.mode_count());
  descent.draw(field, std::nullopt, 3, 0);
  std::vector<double> kappa(basis.pixel_count());
  basis.synthesis(field, kappa);
  double within = 0.0, beyond = 0.0, pixels = 0.0;
  for (std::size_t p = 0; p < kappa.size(); ++p) {
    within = std::max(within, domain[p] * std::abs(kappa[p]));
    beyond += (1.0 - domain[p]) * kappa[p] * kappa[p];
    pixels += 1.0 - domain[p];
  }
  CHECK(comm.max(within) < 1e-12);
  const double variance = comm.sum(beyond) / comm.sum(pixels);
  CHECK(variance == Approx(gaussian_rest(0.5, sigma)).epsilon(5.0 * std::sqrt(2.0 / (23 * 32))));
}

TEST_CASE("the leapfrog is reversible and its energy error is of second order") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {12, 9});
  GaussianSampler sampler(survey, {});
  const HmcState start = sampler.hmc.state();
  const double energy = sampler.hmc.gaussian_energy();
  std::vector<double> errors;
  for (const int steps : {16, 32, 64}) {
    sampler.hmc.resume(start);
    const double step = 1.6 / steps;
    for (int i = 0; i < steps; ++i) sampler.hmc.leapfrog(step);
    errors.push_back(std::abs(sampler.hmc.gaussian_energy() - energy));
    for (int i = 0; i < steps; ++i) sampler.hmc.leapfrog(-step);
    double worst = 0.0;
    for (std::size_t k = 0; k < start.position.size(); ++k)
      worst = std::max({worst, std::abs(sampler.hmc.state().position[k] - start.position[k]),
                        std::abs(sampler.hmc.state().velocity[k] - start.velocity[k])});
    CHECK(worst < 1e-11);
  }
  CHECK(errors[0] > 1e-4);
  CHECK(errors[0] / errors[1] == Approx(4.0).epsilon(0.1));
  CHECK(errors[1] / errors[2] == Approx(4.0).epsilon(0.1));
}

namespace {

/// kappa = exp(g) - shift in every pixel, g normal: not Gaussian at all, and white, so that the posterior of
/// a pixel is an integral.
struct LognormalPixel {
  double width = 0.7, scale = 0.6;
  [[nodiscard]] double shift() const { return scale * std::exp(0.5 * width * width); }
  [[nodiscard]] double variance() const { return shift() * shift() * std::expm1(width * width); }

  /// Sums of f(kappa) weighted by the prior over a fine grid of g.
  template <class F>
  void integrate(F f) const {
    constexpr int points = 600;
    for (int i = 0; i < points; ++i) {
      const double g = -6.0 + 12.0 * (i + 0.5) / points;
      f(scale * std::exp(width * g) - shift(), std::exp(-0.5 * g * g));
    }
  }

  /// Mean and variance of kappa given kappa + s z = x.
  [[nodiscard]] std::array<double, 2> given(double x, double s) const {
    double zero = 0.0, one = 0.0, two = 0.0;
    integrate([&](double kappa, double weight) {
      const double w = weight * std::exp(-0.5 * std::pow((x - kappa) / s, 2));
      zero += w;
      one += w * kappa;
      two += w * kappa * kappa;
    });
    if (!(zero > 0.0)) return {std::max(x, -shift()), 0.0};
    return {one / zero, two / zero - std::pow(one / zero, 2)};
  }
};

/// The residual score of that prior, by quadrature.
class LognormalScore final : public ResidualScore {
 public:
  LognormalScore(const PlaneBasis& basis, LognormalPixel prior) : basis_(&basis), prior_(prior) {}

  void evaluate(ConstModes noisy, double s, Modes white) override {
    std::vector<double> map(basis_->pixel_count());
    basis_->synthesis(noisy, map);
    const double spectrum = prior_.variance();
    for (double& value : map)
      value = (prior_.given(value, s)[0] - spectrum / (spectrum + s * s) * value) /
              (s * s / std::sqrt(spectrum + s * s));
    basis_->synthesis_adjoint(map, white);
    for (Complex& mode : white) mode *= basis_->pixel_area();
  }

  [[nodiscard]] double variance_ratio(double /*ell*/, double s) const override {
    // Mean of the posterior variance over x, whose own density is the prior blurred.
    double sum = 0.0, weights = 0.0;
    prior_.integrate([&](double kappa, double weight) {
      for (const double z : {-1.8, -0.9, 0.0, 0.9, 1.8}) {
        const double w = weight * std::exp(-0.5 * z * z);
        if (w < 1e-4) continue;
        sum += w * prior_.given(kappa + s * z, s)[1];
        weights += w;
      }
    });
    const double spectrum = prior_.variance();
    return sum / weights / (spectrum * s * s / (spectrum + s * s));
  }
  [[nodiscard]] double lowest_sigma() const override { return 1e-3; }
  [[nodiscard]] double highest_sigma() const override { return 10.0; }

 private:
  const PlaneBasis* basis_;
  LognormalPixel prior_;
};

}  // namespace

TEST_CASE("a posterior far from Gaussian is recovered in its mean, width, skewness and quantiles") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {5, 3}, test::pixel);
  const std::size_t n = basis.pixel_count();
  const LognormalPixel prior;
  LognormalScore score(basis, prior);
  const inference::DirectOperator direct(basis);
  // Pixel p: its own data and noise; the last without data.
  std::vector<double> data(n), variance(n);
  for (std::size_t p = 0; p < n; ++p) {
    data[p] = p + 1 < n ? -0.6 + 0.25 * static_cast<double>(p) : 0.0;
    variance[p] = p + 1 < n ? std::pow(0.45 + 0.03 * static_cast<double>(p), 2) : 0.0;
  }
  const std::vector<double> spectrum(basis.mode_count(), prior.variance());
  constexpr double highest = 0.35;
  for (const bool metropolis : {false, true}) {
    BlurredPosterior blurred(basis, direct, spectrum, data, variance, highest, &score);
    Hmc hmc(blurred, {metropolis ? 0.5 : 0.6, 0.3, 1, metropolis}, 11);
    std::vector<Complex> start(blurred.size());
    REQUIRE(blurred.gaussian_draw(3, test::tight, start));
    hmc.begin(std::move(start));
    Descent descent(basis, spectrum, Descent::schedule(highest, 0.02, 24), &score);
    constexpr int count = 500, burn_in = 20;
    std::vector<std::vector<double>> samples(n);
    for (int i = -burn_in; i < count; ++i) {
      for (int k = 0; k < 6; ++k) hmc.advance();
      if (i < 0) continue;
      std::vector<Complex> field(basis.mode_count());
      blurred.unwhiten(hmc.state().position, field);
      descent.draw(field, std::nullopt, 7, static_cast<std::uint32_t>(i));
      std::vector<double> kappa(n);
      basis.synthesis(field, kappa);
      for (std::size_t p = 0; p < n; ++p) samples[p].push_back(kappa[p]);
    }
    std::vector<double> ranks;  // of the samples in the exact posterior's distribution
    double worst_mean = 0.0, width = 0.0, skewness = 0.0, exact_skewness = 0.0;
    for (std::size_t p = 0; p < n; ++p) {
      std::array<double, 4> moment{};
      std::vector<std::pair<double, double>> density;
      prior.integrate([&](double kappa, double weight) {
        const double w =
            variance[p] > 0.0 ? weight * std::exp(-0.5 * std::pow(data[p] - kappa, 2) / variance[p]) : weight;
        density.emplace_back(kappa, w);
        for (std::size_t m = 0; m < 4; ++m) moment[m] += w * std::pow(kappa, static_cast<double>(m));
      });
      const double mean = moment[1] / moment[0], square = moment[2] / moment[0] - mean * mean;
      exact_skewness += (moment[3] / moment[0] - 3.0 * mean * square - std::pow(mean, 3)) /
                        std::pow(square, 1.5) / static_cast<double>(n);
      double found = 0.0, found_square = 0.0, found_cube = 0.0;
      for (const double kappa : samples[p]) found += kappa / count;
      for (const double kappa : samples[p]) {
        found_square += std::pow(kappa - found, 2) / count;
        found_cube += std::pow(kappa - found, 3) / count;
        double below = 0.0;
        for (const auto& [value, w] : density)
          if (value < kappa) below += w;
        ranks.push_back(below / moment[0]);
      }
      worst_mean = std::max(worst_mean, std::abs(found - mean) / std::sqrt(square));
      width += std::sqrt(found_square / square) / static_cast<double>(n);
      skewness += found_cube / std::pow(found_square, 1.5) / static_cast<double>(n);
    }
    INFO("Metropolis " << metropolis << ": mean " << worst_mean << ", width " << width << ", skewness "
                       << skewness << " of " << exact_skewness << ", accepted " << hmc.counts().accepted
                       << " of " << hmc.counts().trajectories);
    CHECK(worst_mean < 0.16);
    CHECK(width == Approx(1.0).margin(0.04));
    CHECK(exact_skewness > 0.6);
    CHECK(skewness == Approx(exact_skewness).epsilon(0.15));
    // Deciles of the ranks hold a tenth of the samples each.
    std::array<double, 10> part{};
    for (const double rank : ranks)
      part[std::min<std::size_t>(9, static_cast<std::size_t>(10.0 * rank))] +=
          1.0 / static_cast<double>(ranks.size());
    for (const double share : part) CHECK(share == Approx(0.1).margin(0.02));
  }
}

TEST_CASE("a chain goes on from any trajectory of its burn-in and from any sample with the same bits") {
  const mpi::Communicator comm;
  const SmallSurvey survey(comm, {9, 7});
  const std::vector<double> variance = variances(survey),
                            spectrum = pixel_spectrum(survey.basis, survey.signal);
  const inference::WholeShearOperator whole(survey.basis);
  SamplerOptions options;
  options.sigma = sigma;
  options.burn_in = 4;
  options.trajectories = 2;
  const auto sampler = [&] {
    return Sampler(survey.basis, whole, spectrum, survey.data, variance, nullptr, options, 5);
  };
  const auto samples_of = [&](Sampler& chain, int count) {
    std::vector<std::vector<Complex>> samples;
    std::vector<Complex> expected(survey.basis.mode_count());
    for (int i = 0; i < count; ++i) chain.next(samples.emplace_back(survey.basis.mode_count()), expected);
    return samples;
  };
  std::vector<ChainState> states;
  Sampler undisturbed = sampler();
  undisturbed.begin(3);
  states.push_back(undisturbed.state());
  undisturbed.burn_in([&] { states.push_back(undisturbed.state()); });
  const auto expected = samples_of(undisturbed, 3);
  REQUIRE(states.size() == options.burn_in + 1);
  for (std::size_t i = 0; i < states.size(); ++i) {
    CHECK(states[i].burn_in == i);
    CHECK(states[i].burn_in_scores == i + 1);  // the start's with them
    Sampler resumed = sampler();
    resumed.resume(3, states[i]);
    resumed.burn_in();
    CHECK(samples_of(resumed, 3) == expected);
    CHECK(resumed.state().samples == 3);
    CHECK(resumed.state().hmc.position == undisturbed.state().hmc.position);
  }
  // Of the first sample the burn-in's gradients are part, whoever took them.
  Sampler first = sampler(), resumed = sampler();
  first.begin(3);
  first.burn_in();
  resumed.resume(3, states[2]);
  resumed.burn_in();
  static_cast<void>(samples_of(first, 1));
  static_cast<void>(samples_of(resumed, 1));
  CHECK(resumed.sample_counts().scores == first.sample_counts().scores);
  // Between samples.
  const ChainState between = first.state();
  resumed.resume(3, between);
  resumed.burn_in();
  const auto rest = samples_of(resumed, 2);
  CHECK(rest[0] == expected[1]);
  CHECK(rest[1] == expected[2]);
}
