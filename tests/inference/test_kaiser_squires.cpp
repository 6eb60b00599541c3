#include <cmath>

#include <catch2/catch.hpp>

#include "harmonic/plane_basis.hpp"
#include "inference/kaiser_squires.hpp"

using namespace tessera;
using harmonic::Complex;
using harmonic::PlaneBasis;

TEST_CASE("Kaiser-Squires gives back a field from its shear, and no B mode") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {15, 21}, 1e-3);  // odd sides: no Nyquist mode is lost
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(8, Purpose::test), harmonic::Modes(modes));
  if (comm.is_root()) modes[0] = 0.0;
  std::vector<double> kappa(basis.pixel_count()), g1(kappa), g2(kappa), e(kappa), b(kappa);
  basis.synthesis(modes, kappa);
  basis.shear_synthesis(modes, {}, g1, g2);
  inference::kaiser_squires(basis, g1, g2, 0.0, e, b);
  for (std::size_t p = 0; p < kappa.size(); ++p) {
    REQUIRE(e[p] == Approx(kappa[p]).margin(1e-9 * std::abs(kappa[0]) + 1e-8));
    REQUIRE(std::abs(b[p]) < 1e-8);
  }
  // Shear turned by 45 degrees is all B.
  std::vector<double> minus_g2(g2);
  for (double& value : minus_g2) value = -value;
  inference::kaiser_squires(basis, minus_g2, g1, 0.0, e, b);
  for (std::size_t p = 0; p < kappa.size(); ++p) {
    REQUIRE(b[p] == Approx(kappa[p]).margin(1e-8));
    REQUIRE(std::abs(e[p]) < 1e-8);
  }
}

TEST_CASE("smoothing multiplies the variance of a mode by the squared Gaussian") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {16, 16}, 1e-3);
  std::vector<double> g1(basis.pixel_count()), zero(g1), plain(g1), smooth(g1), b(g1);
  for (std::size_t p = 0; p < g1.size(); ++p)
    g1[p] = std::cos(2.0 * M_PI * 3.0 * static_cast<double>(p % 16) / 16.0);  // kx = 3: gamma1 = kappa
  inference::kaiser_squires(basis, g1, zero, 0.0, plain, b);
  const double sigma = 2e-3, ell = 2.0 * M_PI * 3.0 / (16.0 * 1e-3);
  inference::kaiser_squires(basis, g1, zero, sigma, smooth, b);
  const double beam = std::exp(-0.5 * ell * ell * sigma * sigma);
  for (std::size_t p = 0; p < g1.size(); ++p) {
    CHECK(plain[p] == Approx(g1[p]).margin(1e-12));
    CHECK(smooth[p] == Approx(beam * g1[p]).margin(1e-12));
  }
}
