#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "support/statistics.hpp"

using namespace tessera;

namespace {

std::vector<double> normals(const RandomStream& stream, int count) {
  std::vector<double> draws;
  for (int i = 0; i < count / 2; ++i)
    for (const double value : stream.normals(static_cast<std::uint64_t>(i))) draws.push_back(value);
  return draws;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("normals and uniforms have their distributions") {
  const RandomStream stream(42, Purpose::test);
  CHECK(test::kolmogorov_smirnov_p(normals(stream, 40000), test::normal_cdf) > 1e-3);
  std::vector<double> uniforms;
  for (std::uint64_t i = 0; i < 20000; ++i)
    for (const double value : stream.uniforms(i)) uniforms.push_back(value);
  CHECK(test::kolmogorov_smirnov_p(uniforms, [](double x) { return x; }) > 1e-3);
}

TEST_CASE("a number depends on seed, purpose, realisation, index and draw alone, and on each of them") {
  const RandomStream stream(42, Purpose::test, 3);
  CHECK(stream.normals(7) == RandomStream(42, Purpose::test, 3).normals(7));
  CHECK(stream.normals(7) != stream.normals(8));
  CHECK(stream.normals(7) != stream.normals(7, 1));
  CHECK(stream.normals(7) != stream.normals(7 + (1ULL << 32U)));
  CHECK(stream.normals(7) != RandomStream(43, Purpose::test, 3).normals(7));
  CHECK(stream.normals(7) != RandomStream(42 + (1ULL << 32U), Purpose::test, 3).normals(7));
  CHECK(stream.normals(7) != RandomStream(42, Purpose::test, 4).normals(7));
  CHECK(stream.normals(7) != RandomStream(42, Purpose::truth_field, 3).normals(7));
}

TEST_CASE("streams are uncorrelated") {
  constexpr int n = 40000;
  const auto a = normals(RandomStream(42, Purpose::test, 0), n);
  const double five_sigma = 5.0 / std::sqrt(n);
  CHECK(std::abs(correlation(a, normals(RandomStream(42, Purpose::test, 1), n))) < five_sigma);
  CHECK(std::abs(correlation(a, normals(RandomStream(43, Purpose::test, 0), n))) < five_sigma);
  CHECK(std::abs(correlation(a, normals(RandomStream(42, Purpose::truth_field, 0), n))) < five_sigma);
}

TEST_CASE("Poisson numbers have mean and variance of their parameter") {
  const RandomStream stream(1, Purpose::test);
  for (const double mean : {0.0, 0.3, 5.9, 80.0}) {
    constexpr int n = 20000;
    double sum = 0.0;
    double squares = 0.0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const auto draw = static_cast<double>(stream.poisson(mean, i));
      sum += draw;
      squares += (draw - mean) * (draw - mean);
    }
    CHECK(std::abs(sum / n - mean) <= 5.0 * std::sqrt(mean / n));
    // Variance of a squared deviation: mean + 2 mean^2.
    CHECK(std::abs(squares / n - mean) <= 5.0 * std::sqrt((mean + 2.0 * mean * mean) / n));
  }
}
