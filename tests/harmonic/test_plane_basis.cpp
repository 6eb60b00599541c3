#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "harmonic/plane_basis.hpp"
#include "support/adjoint.hpp"

using namespace tessera;
using namespace tessera::harmonic;

namespace {

constexpr double pixel = 1e-3;  // radians
const std::vector<PaddedBox> awkward_boxes{{8, 6}, {7, 9}, {2, 5}, {12, 2}, {2, 2}, {30, 21}};

std::vector<double> noise_map(const HarmonicBasis& basis, std::uint32_t realisation) {
  std::vector<double> map(basis.pixel_count());
  basis.white_noise(RandomStream(5, Purpose::test, realisation), Pixels(map));
  return map;
}

std::vector<Complex> noise_modes(const HarmonicBasis& basis, std::uint32_t realisation) {
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(5, Purpose::test, realisation), Modes(modes));
  return modes;
}

double dot(const HarmonicBasis& basis, const std::vector<double>& f, const std::vector<double>& g) {
  return basis.dot(ConstPixels(f), ConstPixels(g));
}

double dot(const HarmonicBasis& basis, const std::vector<Complex>& a, const std::vector<Complex>& b) {
  return basis.dot(ConstModes(a), ConstModes(b));
}

/// The coefficient at global column i, row j by its definition: a sum over all pixels.
Complex naive_coefficient(const std::vector<double>& map, PaddedBox box, std::uint64_t i, std::uint64_t j) {
  Complex sum = 0.0;
  for (std::uint64_t y = 0; y < box.ny; ++y)
    for (std::uint64_t x = 0; x < box.nx; ++x) {
      const double phase = -2.0 * std::numbers::pi *
                           (static_cast<double>(i * x) / static_cast<double>(box.nx) +
                            static_cast<double>(j * y) / static_cast<double>(box.ny));
      sum += map[y * box.nx + x] * std::polar(1.0, phase);
    }
  return sum / (pixel * std::sqrt(static_cast<double>(box.nx * box.ny)));
}

}  // namespace

TEST_CASE("the transform is the discrete Fourier sum, each mode at its place") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const PaddedBox box : awkward_boxes) {
    const PlaneBasis basis(comm, box, pixel), serial(alone, box, pixel);
    const auto whole = noise_map(serial, 0);
    std::vector<Complex> modes(basis.mode_count());
    basis.synthesis_adjoint(noise_map(basis, 0), modes);
    const BlockDistribution columns(box.nx / 2 + 1, comm.size());
    for (std::size_t k = 0; k < modes.size(); ++k) {
      const Complex expected =
          naive_coefficient(whole, box, columns.begin(comm.rank()) + k / box.ny, k % box.ny);
      REQUIRE(std::abs(modes[k] - expected) < 1e-9);
    }
  }
}

TEST_CASE("analysis undoes synthesis") {
  const mpi::Communicator comm;
  for (const PaddedBox box : awkward_boxes) {
    const PlaneBasis basis(comm, box, pixel);
    const auto map = noise_map(basis, 1);
    std::vector<Complex> modes(basis.mode_count());
    std::vector<double> back(basis.pixel_count());
    basis.synthesis_adjoint(map, modes);
    for (Complex& mode : modes) mode *= basis.pixel_area();
    basis.synthesis(modes, back);
    for (std::size_t p = 0; p < map.size(); ++p) REQUIRE(back[p] == Approx(map[p]).margin(1e-12));
  }
}

TEST_CASE("transforms and adjoints agree to 1e-12") {
  const mpi::Communicator comm;
  for (const PaddedBox box : awkward_boxes) {
    const PlaneBasis basis(comm, box, pixel);
    const auto e = noise_modes(basis, 2), b = noise_modes(basis, 3);
    const auto f = noise_map(basis, 4), g = noise_map(basis, 5);
    std::vector<double> map(basis.pixel_count()), map2(basis.pixel_count());
    std::vector<Complex> modes(basis.mode_count()), modes2(basis.mode_count());

    basis.synthesis(e, map);
    basis.synthesis_adjoint(f, modes);
    CHECK(test::adjoint_error(dot(basis, map, f), dot(basis, e, modes), dot(basis, map, map),
                              dot(basis, f, f)) < 1e-12);

    if (box.nx * box.ny <= 4) continue;  // nothing but the mean and Nyquist modes: no shear to speak of
    basis.shear_synthesis(e, b, map, map2);
    basis.shear_synthesis_adjoint(f, g, modes, modes2);
    CHECK(test::adjoint_error(
              dot(basis, map, f) + dot(basis, map2, g), dot(basis, e, modes) + dot(basis, b, modes2),
              dot(basis, map, map) + dot(basis, map2, map2), dot(basis, f, f) + dot(basis, g, g)) < 1e-12);
  }
}

TEST_CASE("an empty B argument means zero B modes") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {30, 21}, pixel);
  const auto e = noise_modes(basis, 2);
  const std::vector<Complex> zero(basis.mode_count());
  std::vector<double> a1(basis.pixel_count()), a2(a1), b1(a1), b2(a1);
  basis.shear_synthesis(e, {}, a1, a2);
  basis.shear_synthesis(e, zero, b1, b2);
  CHECK(a1 == b1);
  CHECK(a2 == b2);
}

TEST_CASE("the shear of a mass on the x axis is tangential") {
  // A round mass at the middle of the box: at a point along x the shear stretches along y, gamma1 < 0; along
  // the diagonal x = y it stretches across it, gamma2 < 0.
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PaddedBox box{64, 64};
  const PlaneBasis basis(alone, box, pixel);
  std::vector<double> kappa(basis.pixel_count()), gamma1(kappa), gamma2(kappa);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      kappa[static_cast<std::size_t>(y * 64 + x)] =
          std::exp(-0.5 * (std::pow(x - 32, 2) + std::pow(y - 32, 2)) / 9.0);
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(kappa, modes);
  for (Complex& mode : modes) mode *= basis.pixel_area();
  basis.shear_synthesis(modes, {}, gamma1, gamma2);
  const auto at = [](int x, int y) { return static_cast<std::size_t>(y * 64 + x); };
  // Closed form for a Gaussian: gamma_t = mean kappa inside - kappa, here without the periodic images.
  const double r = 8.0;
  const double tangential =
      2.0 * 9.0 / (r * r) * (1.0 - std::exp(-0.5 * r * r / 9.0)) - std::exp(-0.5 * r * r / 9.0);
  CHECK(gamma1[at(40, 32)] == Approx(-tangential).epsilon(0.05));
  CHECK(gamma1[at(32, 40)] == Approx(tangential).epsilon(0.05));
  CHECK(gamma2[at(38, 38)] < -0.8 * tangential);
  CHECK(gamma2[at(26, 38)] > 0.8 * tangential);
}

TEST_CASE("the bits do not depend on the rank count") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const PaddedBox box : awkward_boxes) {
    const PlaneBasis basis(comm, box, pixel), serial(alone, box, pixel);
    const auto map = noise_map(basis, 6), whole = noise_map(serial, 6);
    CHECK(dot(basis, map, map) == dot(serial, whole, whole));
    const auto modes = noise_modes(basis, 7), all = noise_modes(serial, 7);
    CHECK(dot(basis, modes, modes) == dot(serial, all, all));

    std::vector<double> g1(basis.pixel_count()), g2(g1), whole1(serial.pixel_count()), whole2(whole1);
    basis.shear_synthesis(modes, {}, g1, g2);
    serial.shear_synthesis(all, {}, whole1, whole2);
    for (std::size_t p = 0; p < g1.size(); ++p) {
      REQUIRE(map[p] == whole[basis.first_pixel() + p]);
      REQUIRE(g1[p] == whole1[basis.first_pixel() + p]);
      REQUIRE(g2[p] == whole2[basis.first_pixel() + p]);
    }
    std::vector<Complex> e(basis.mode_count()), all_e(serial.mode_count());
    basis.shear_synthesis_adjoint(g1, g2, e, {});
    serial.shear_synthesis_adjoint(whole1, whole2, all_e, {});
    const BlockDistribution columns(box.nx / 2 + 1, comm.size());
    const std::size_t first = columns.begin(comm.rank()) * box.ny;
    for (std::size_t k = 0; k < e.size(); ++k) REQUIRE(e[k] == all_e[first + k]);
  }
}

TEST_CASE("white noise has unit power in every mode and is Hermitian") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {6, 4}, pixel);
  std::vector<double> power(basis.mode_count());
  constexpr int n = 4000;
  for (std::uint32_t r = 0; r < n; ++r) {
    const auto modes = noise_modes(basis, r);
    for (std::size_t k = 0; k < modes.size(); ++k) power[k] += std::norm(modes[k]) / n;
    if (r > 10) continue;
    for (const std::size_t column : {0U, 3U})
      for (std::size_t j = 0; j < 4; ++j)
        REQUIRE(modes[column * 4 + j] == std::conj(modes[column * 4 + (4 - j) % 4]));
  }
  // A real mode's power has variance 2, a complex one's 1.
  for (const double value : power) CHECK(std::abs(value - 1.0) < 5.0 * std::sqrt(2.0 / n));
}

TEST_CASE("ell and the pixel window follow from the box") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const PlaneBasis basis(alone, {8, 6}, pixel);
  CHECK(basis.ell()[0] == 0.0);
  CHECK(basis.ell()[6] == Approx(2.0 * std::numbers::pi / (8 * pixel)));
  CHECK(basis.ell()[5] == Approx(2.0 * std::numbers::pi / (6 * pixel)));
  // Nyquist in x: the mean of a cosine over half its period.
  CHECK(basis.pixel_window()[4 * 6] == Approx(2.0 / std::numbers::pi));
  const auto range = PlaneBasis::ell_range({8, 6}, pixel);
  CHECK(range.min == Approx(2.0 * std::numbers::pi / (8 * pixel)));
  CHECK(range.max == Approx(*std::max_element(basis.ell().begin(), basis.ell().end())));
}
