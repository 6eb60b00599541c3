#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "theory/hankel.hpp"
#include "theory/nfw.hpp"

using namespace tessera::theory;

TEST_CASE("the projected profile is the projection of the cut profile") {
  for (const double c : {1.5, 5.0, 20.0})
    for (const double x : {0.01, 0.5, 0.99995, 1.0, 1.2, 1.4}) {
      // 2 int_x^c rho r dr / sqrt(r^2 - x^2), with r = sqrt(x^2 + s^2)
      const double reach = std::sqrt(c * c - x * x);
      constexpr int steps = 200000;
      double sum = 0.0;
      for (int i = 0; i < steps; ++i) {
        const double s = reach * (i + 0.5) / steps, r = std::hypot(x, s);
        sum += 2.0 / (r * (1.0 + r) * (1.0 + r)) * reach / steps;
      }
      CHECK(nfw_projected(x, c) == Approx(sum / (4.0 * std::numbers::pi * nfw_mass(c))).epsilon(2e-4));
    }
  CHECK(nfw_projected(5.1, 5.0) == 0.0);
}

TEST_CASE("the Fourier transform of the profile is that of its projection") {
  for (const double c : {3.0, 8.0})
    for (const double k : {1e-5, 1.1e-3 / c, 0.9e-3 / c, 0.3, 2.0, 10.0}) {
      // In ln r, since the profile is steep in the middle.
      constexpr int steps = 40000;
      const double first = std::log(1e-7), step = (std::log(c) - first) / steps;
      double sum = 0.0;
      for (int i = 0; i < steps; ++i) {
        const double r = std::exp(first + step * (i + 0.5));
        sum += 2.0 * std::numbers::pi * r * r * step * nfw_projected(r, c) * std::cyl_bessel_j(0, k * r);
      }
      CHECK(nfw_fourier(k, c) == Approx(sum).epsilon(1e-4).margin(1e-6));
    }
}

TEST_CASE("the Hankel transform knows a Gaussian, and comes back") {
  const HankelTransform hankel(1e-3, 1e8, 1024);
  const double width = 3000.0;
  std::vector<double> power;
  for (const double ell : hankel.ell()) power.push_back(std::exp(-ell * ell / (width * width)));
  const auto xi = hankel.correlation(power);
  const double top = width * width / (4.0 * std::numbers::pi);
  for (std::size_t i = 0; i < xi.size(); ++i) {
    const double theta = hankel.theta()[i];
    if (theta < 1e-6 || theta > 1e-1) continue;
    REQUIRE(xi[i] == Approx(top * std::exp(-0.25 * width * width * theta * theta)).margin(5e-5 * top));
  }
  const auto back = hankel.power(xi);
  for (std::size_t i = 0; i < back.size(); ++i)
    if (hankel.ell()[i] > 1.0 && hankel.ell()[i] < 1e5) REQUIRE(back[i] == Approx(power[i]).margin(1e-6));
}
