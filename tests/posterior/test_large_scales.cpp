#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "posterior/large_scales.hpp"
#include "support/small_survey.hpp"

using namespace tessera;
using namespace tessera::posterior;
using harmonic::Complex;

TEST_CASE("sphere: large scales drawn by transforms of their own are those drawn among all modes") {
  const mpi::Communicator comm;
  const test::SmallSphere survey(comm, 8, 16);
  const harmonic::SphereBasis& basis = survey.basis;
  const inference::WholeShearOperator whole(basis);
  const std::size_t modes = basis.mode_count();
  std::vector<double> spectra(2 * modes, 0.01);
  for (std::size_t k = 0; k < modes; ++k) spectra[k] += std::pow(survey.signal.root(0, 0, k), 2);
  const inference::SignalCovariance signal(basis, 2, spectra);
  const inference::GaussianPosterior posterior(basis, whole, signal, survey.information);
  std::vector<Complex> right_side(2 * modes), start(2 * modes);
  posterior.right_side(survey.data, right_side);
  for (std::size_t k = 0; k < start.size(); ++k)
    start[k] =
        Complex(std::sin(static_cast<double>(k)), comm.is_root() && k % modes <= 16 ? 0.0 : 0.3);  // m = 0
  for (const double below : {7.0, 7.5, 40.0}) {
    std::vector<std::uint8_t> marked(2 * modes);
    for (std::size_t k = 0; k < modes; ++k) marked[k] = basis.ell()[k] < below ? 1 : 0;
    std::vector<Complex> others = start, all = start, own = start;
    for (std::size_t k = 0; k < others.size(); ++k) others[k] *= 1.0 - marked[k];
    std::vector<double> given(2 * basis.pixel_count());
    posterior.response(others, given);
    REQUIRE(posterior.redraw(right_side, given, marked, 5, 2, all, test::tight).converged);
    const LargeScales large(basis, whole, signal, survey.information, posterior, below);
    REQUIRE(large.draw(right_side, 5, 2, test::tight, own));
    double moved = 0.0;
    for (std::size_t k = 0; k < own.size(); ++k) {
      CHECK(std::abs(own[k] - all[k]) < 1e-8);
      if (marked[k] == 0) CHECK(own[k] == start[k]);
      moved = std::max(moved, std::abs(own[k] - start[k]));
    }
    CHECK(comm.max(moved) > 0.1);
  }
}
