#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "simulate/halo_skies.hpp"
#include "support/statistics.hpp"
#include "theory/interpolate.hpp"
#include "theory/nfw.hpp"

using namespace tessera;
using namespace tessera::test;
using harmonic::Complex;
using harmonic::PlaneBasis;
using simulate::HaloPainter;
using simulate::HaloShells;
using simulate::PaintedHalo;

TEST_CASE("haloes painted at random places have the transform of profile times pixel on average") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  constexpr std::uint64_t n = 48;
  const PlaneBasis basis(alone, {n, n}, arcmin);
  const HaloPainter painter;
  const RandomStream places(3, Purpose::test);
  for (const auto& [radius, c] : {std::pair{2.6, 4.0}, {5.0, 8.0}, {12.0, 6.0}}) {
    std::vector<Complex> mean(basis.mode_count()), modes(basis.mode_count());
    constexpr int haloes = 400;
    for (int h = 0; h < haloes; ++h) {
      const auto [u, v] = places.uniforms(static_cast<std::uint64_t>(h));
      std::vector<double> map(basis.pixel_count(), 0.0);
      const double x = 20.0 + u, y = 17.0 + v;
      painter.paint(basis, {{0, x, y, radius, c, 1.0, 0.0, 1.0}}, map);
      basis.synthesis_adjoint(map, modes);
      for (std::uint64_t kx = 0; kx <= n / 2; ++kx)
        for (std::uint64_t ky = 0; ky < n; ++ky) {
          const double phase =
              2.0 * std::numbers::pi / n * (static_cast<double>(kx) * x + static_cast<double>(ky) * y);
          mean[kx * n + ky] += std::polar(1.0 / haloes, phase) * modes[kx * n + ky];
        }
    }
    const double norm = std::abs(mean[0]);
    for (std::uint64_t kx = 0; kx < n / 2; kx += 5)
      for (std::uint64_t ky = 0; ky < n / 2; ky += 5) {
        const std::size_t k = kx * n + ky;
        const double expected =
            theory::nfw_fourier(basis.ell()[k] * radius / c * arcmin, c) * basis.pixel_window()[k];
        INFO("radius " << radius << " mode " << kx << " " << ky);
        CHECK(mean[k].real() / norm == Approx(expected).margin(0.012));
        CHECK(mean[k].imag() / norm == Approx(0.0).margin(0.012));
      }
  }
}

TEST_CASE("a painted halo has the axes asked for") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {128, 128}, arcmin);
  const HaloPainter painter;
  const double ratio = 0.5, angle = 0.7;
  std::vector<double> map(basis.pixel_count(), 0.0);
  painter.paint(basis, {{0, 64.2, 63.7, 30.0, 4.0, ratio, angle, 1.0}}, map);
  double xx = 0.0, xy = 0.0, yy = 0.0;
  for (std::size_t p = 0; p < map.size(); ++p) {
    const double x = static_cast<double>(p % 128) - 64.2, y = static_cast<double>(p / 128) - 63.7;
    xx += map[p] * x * x;
    xy += map[p] * x * y;
    yy += map[p] * y * y;
  }
  CHECK(0.5 * std::atan2(2.0 * xy, xx - yy) == Approx(angle).margin(0.01));
  const double half = 0.5 * std::hypot(xx - yy, 2.0 * xy), middle = 0.5 * (xx + yy);
  CHECK(std::sqrt((middle - half) / (middle + half)) == Approx(ratio).epsilon(0.01));
}

TEST_CASE("shells share all matter, unbiased, and need next to no transfer function") {
  const HaloShells model = shells(0.29 * arcmin);
  for (const simulate::Shell& shell : model.shells()) {
    const double smooth = std::accumulate(shell.smooth.begin(), shell.smooth.end(), 0.0);
    CHECK(smooth + shell.halo_fraction == Approx(1.0).epsilon(1e-10));
    for (const double power : shell.field_power) REQUIRE(power >= 0.0);
  }
  for (const double ell : {100.0, 300.0, 1000.0, 3000.0, 10000.0})
    CHECK(theory::interpolate(model.ell(), model.transfer(), ell) == Approx(1.0).epsilon(0.03));
}

TEST_CASE("halo masses are distributed as the mass function") {
  const HaloShells model = shells(arcmin);
  const simulate::Shell& shell = model.shells()[3];
  const double volume = shell.distance * shell.distance * shell.thickness;
  // Mass in haloes by the quantiles of every node, against the integral of n(M) M.
  constexpr int quantiles = 20000;
  double mass = 0.0, above = 0.0;
  for (std::size_t node = 0; node < simulate::bias_nodes.size(); ++node)
    for (int q = 0; q < quantiles; ++q) {
      const auto halo = shell.halo(node, (q + 0.5) / quantiles);
      const double share = shell.halo_count[node] / quantiles;
      mass += share * halo.mass;
      if (halo.mass > 1e13) above += share;
    }
  const double density = theory::MatterPower(cosmology()).background().matter_density();
  CHECK(mass / (density * volume) == Approx(shell.halo_fraction).epsilon(2e-3));
  double expected = 0.0;
  const auto& haloes = shell.haloes;
  const double step = std::log(haloes.mass[1] / haloes.mass[0]);
  for (std::size_t i = 1; i < haloes.mass.size(); ++i)
    if (haloes.mass[i - 1] >= 1e13 * (1 - 1e-9))
      expected += 0.5 * (haloes.number[i - 1] + haloes.number[i]) * step;
  CHECK(above == Approx(expected * volume).epsilon(0.03));  // the first mass above 1e13 is not on the grid
}

TEST_CASE("halo skies have the requested power, mean zero, and more high than low peaks") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  constexpr std::uint64_t n = 192;
  const double pixel = 0.6 * arcmin;
  const PlaneBasis basis(alone, {n, n}, pixel);
  simulate::SkyPrior plain = prior();
  plain.subhaloes = plain.core = {0.0, 0.0};
  simulate::SkyMaker maker(basis, plain, spectrum(), source_redshifts(), true);
  constexpr int skies = 60;
  const std::vector<double> edges{400, 800, 1600, 3200, 6400, 12800};
  std::vector<double> have(edges.size() - 1), want(edges.size() - 1), deviation2(edges.size() - 1);
  double mean = 0.0, third = 0.0, second = 0.0;
  std::vector<Complex> modes(basis.mode_count());
  const auto requested = spectrum();
  for (std::uint32_t sky = 0; sky < skies; ++sky) {
    const auto kappa = maker.kappa(maker.draw_parameters(5, sky), 5, sky);
    for (const double value : kappa) {
      mean += value / (skies * n * n);
      second += value * value / (skies * n * n);
      third += value * value * value / (skies * n * n);
    }
    basis.synthesis_adjoint(kappa, modes);
    std::vector<double> power(have.size()), expected(have.size());
    for (std::size_t k = 0; k < modes.size(); ++k)
      for (std::size_t b = 0; b < have.size(); ++b)
        if (basis.ell()[k] >= edges[b] && basis.ell()[k] < edges[b + 1]) {
          power[b] += std::norm(basis.pixel_area() * modes[k]);
          expected[b] += requested(basis.ell()[k]) * std::pow(basis.pixel_window()[k], 2);
        }
    for (std::size_t b = 0; b < have.size(); ++b) {
      have[b] += power[b] / skies;
      want[b] = expected[b];
      deviation2[b] += std::pow(power[b] / expected[b] - 1.0, 2) / skies;
    }
  }
  for (std::size_t b = 0; b < have.size(); ++b) {
    const double error = std::sqrt(deviation2[b] / skies);
    INFO("ell from " << edges[b] << ": ratio " << have[b] / want[b] << " +- " << error);
    CHECK(std::abs(have[b] / want[b] - 1.0) < 4.0 * error);
    CHECK(error < 0.06);
  }
  CHECK(std::abs(mean) < 1e-3);
  CHECK(third / std::pow(second, 1.5) > 1.0);
}

TEST_CASE("parameters are uniform in their ranges and independent of each other's ranges") {
  simulate::SkyPrior wide = prior();
  wide.kinds = {simulate::SkyKind::gaussian, simulate::SkyKind::lognormal, simulate::SkyKind::halo};
  wide.sigma8 = {0.7, 0.9};
  wide.shift = {0.02, 0.05};
  simulate::SkyPrior wider = wide;
  wider.omega_m = {0.2, 0.4};
  std::vector<double> sigma8, shift;
  std::array<int, 3> kinds{};
  constexpr std::uint32_t draws = 3000;
  for (std::uint32_t i = 0; i < draws; ++i) {
    const auto sky = wide.draw(2, i);
    sigma8.push_back((sky.cosmology.sigma8 - 0.7) / 0.2);
    shift.push_back((sky.shift - 0.02) / 0.03);
    ++kinds.at(static_cast<std::size_t>(sky.kind));
    REQUIRE(sky.cosmology.omega_m == 0.3);
    REQUIRE(wider.draw(2, i).cosmology.sigma8 == sky.cosmology.sigma8);
  }
  const auto uniform = [](double x) { return x; };
  CHECK(test::kolmogorov_smirnov_p(sigma8, uniform) > 1e-4);
  CHECK(test::kolmogorov_smirnov_p(shift, uniform) > 1e-4);
  for (const int count : kinds) CHECK(std::abs(count - 1000.0) < 5.0 * std::sqrt(draws * 2.0 / 9.0));
}

TEST_CASE("the spectrum follows the cosmology and the amplitude") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {16, 16}, 3 * arcmin);
  simulate::SkyPrior wide = prior();
  wide.sigma8 = {0.71, 0.91};  // its middle is that of spectrum()
  const simulate::SkyMaker maker(basis, wide, spectrum(), source_redshifts(), true);
  simulate::SkyParameters sky = wide.draw(1, 0);
  sky.cosmology = wide.reference();
  sky.amplitude = 1.5;
  CHECK(maker.spectrum(sky)(1000.0) == Approx(1.5 * spectrum()(1000.0)).epsilon(1e-9));
  sky.amplitude = 1.0;
  sky.cosmology.sigma8 = 0.9;
  const theory::MatterPower power(sky.cosmology);
  const auto sources = source_redshifts();
  const theory::LensingKernel kernel(power.background(), sources.z(), sources.n());
  const std::vector<double> ell{50, 1000, 10000};
  const auto expected = theory::convergence_power(power, kernel, ell);
  for (std::size_t i = 0; i < ell.size(); ++i)
    CHECK(maker.spectrum(sky)(ell[i]) == Approx(expected[i]).epsilon(0.01));
  simulate::SkyPrior varied = prior();
  CHECK_THROWS_AS(simulate::SkyMaker(basis, varied, spectrum(), std::nullopt, true), Error);
}
