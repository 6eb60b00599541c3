#include <catch2/catch.hpp>

#include "simulate/halo_skies.hpp"

using namespace tessera;
using namespace tessera::test;
using harmonic::PlaneBasis;
using simulate::HaloPainter;
using simulate::PaintedHalo;

TEST_CASE("painted haloes keep their mass wherever they fall") {
  const mpi::Communicator comm;
  const PlaneBasis basis(comm, {30, 21}, arcmin);
  const HaloPainter painter;
  std::uint64_t key = 0;
  for (const double radius : {0.01, 0.7, 3.0, 9.0, 40.0})
    for (const double ratio : {1.0, 0.4}) {
      std::vector<double> map(basis.pixel_count(), 0.0);
      std::vector<PaintedHalo> haloes;
      if (comm.rank() == comm.size() - 1)
        for (const double place : {-0.5, 0.0, 0.31, 20.7, 29.4})
          haloes.push_back({key++, place, 0.6 * place, radius, 5.0, ratio, 0.3, 2.0});
      painter.paint(basis, haloes, map);
      const std::vector<double> ones(map.size(), 1.0);
      CHECK(basis.dot(harmonic::ConstPixels(map), harmonic::ConstPixels(ones)) ==
            Approx(10.0).epsilon(1e-12));
    }
}

TEST_CASE("skies with all variations have the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  // Pixels that resolve haloes, in an awkward box.
  const PaddedBox box{90, 63};
  const PlaneBasis basis(comm, box, 0.3 * arcmin), serial(alone, box, 0.3 * arcmin);
  simulate::SkyMaker together(basis, prior(), spectrum(), source_redshifts(), true);
  simulate::SkyMaker single(serial, prior(), spectrum(), source_redshifts(), true);
  for (const std::uint32_t sky : {0U, 3U}) {
    const auto parameters = together.draw_parameters(9, sky);
    const auto mine = together.kappa(parameters, 9, sky);
    const auto whole = single.kappa(parameters, 9, sky);
    for (std::size_t p = 0; p < mine.size(); ++p) REQUIRE(mine[p] == whole[basis.first_pixel() + p]);
  }
}
