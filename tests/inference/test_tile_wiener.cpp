#include <cmath>

#include <catch2/catch.hpp>

#include "inference/tile_wiener.hpp"
#include "sky/block_distribution.hpp"

using namespace tessera;
using inference::TileWiener;

namespace {

constexpr double pixel = 1e-3;
constexpr inference::CgOptions tight{1e-11, 1000};
const PaddedBox box{60, 48};
constexpr std::uint64_t nx = 41, ny = 33;

theory::PowerSpectrum spectrum() { return {{1.0, 1e5}, {1e-2, 1e-7}, "test"}; }

/// [gamma1, gamma2, noise][this rank's pixels]: noise that belongs to its place; holes; nothing beyond the
/// field.
struct Data {
  std::array<std::vector<double>, 3> maps;
  std::uint64_t first;

  explicit Data(const mpi::Communicator& comm, std::uint64_t field_nx = nx, std::uint64_t field_ny = ny) {
    const BlockDistribution rows(box.ny, comm.size());
    first = rows.begin(comm.rank()) * box.nx;
    for (std::uint64_t p = first; p < rows.end(comm.rank()) * box.nx; ++p) {
      const bool seen = p % box.nx < field_nx && p / box.nx < field_ny && p % 11 != 3;
      const auto noise = RandomStream(5, Purpose::test).normals(p);
      maps[0].push_back(seen ? noise[0] : 0.0);
      maps[1].push_back(seen ? noise[1] : 0.0);
      maps[2].push_back(seen ? 0.5 + 0.05 * static_cast<double>(p % 7) : 0.0);
    }
  }
};

/// The Wiener map in tiles, then twice the Wiener map plus the noise.
std::vector<std::vector<double>> tiled(const mpi::Communicator& comm, const Data& data, std::uint64_t side,
                                       std::uint64_t halo, std::uint64_t blend, std::uint64_t field_nx = nx,
                                       std::uint64_t field_ny = ny) {
  const PlaneTiles tiles(field_nx, field_ny, box, side, halo, 1);
  TileWiener wiener(comm, tiles, blend, pixel, spectrum(), true);
  const auto result = wiener.filter(data.maps[0], data.maps[1], data.maps[2], tight, 1,
                                    [](const inference::FilteredTile& tile) {
                                      std::vector<double> more(tile.wiener.begin(), tile.wiener.end());
                                      for (std::size_t p = 0; p < more.size(); ++p)
                                        more[p] = 2.0 * more[p] + tile.noise_sigma[p];
                                      return std::vector<std::vector<double>>{more};
                                    });
  CHECK(result.converged);
  CHECK(result.iterations > 3);
  return result.maps;
}

std::vector<double> joint(const mpi::Communicator& comm, const Data& data) {
  const harmonic::PlaneBasis basis(comm, box, pixel);
  const inference::ShearOperator shear(basis);
  const inference::SignalCovariance signal(basis, {spectrum()}, true);
  const std::size_t n = basis.pixel_count();
  std::vector<double> both = data.maps[0], inverse(2 * n);
  both.insert(both.end(), data.maps[1].begin(), data.maps[1].end());
  for (std::size_t p = 0; p < n; ++p)
    inverse[p] = inverse[n + p] = data.maps[2][p] > 0.0 ? 1.0 / (data.maps[2][p] * data.maps[2][p]) : 0.0;
  const inference::GaussianPosterior posterior(basis, shear, signal, inverse);
  std::vector<inference::Complex> x(basis.mode_count());
  CHECK(posterior.mean(both, x, tight).converged);
  std::vector<double> kappa(n);
  posterior.synthesis(x, kappa);
  return kappa;
}

double rms_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0, norm = 0.0;
  for (std::uint64_t p = 0; p < a.size(); ++p) {
    if (p % box.nx >= nx || p / box.nx >= ny) continue;
    sum += (a[p] - b[p]) * (a[p] - b[p]);
    norm += b[p] * b[p];
  }
  return std::sqrt(sum / norm);
}

}  // namespace

TEST_CASE("one tile that is the whole box is the joint filter") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const Data data(alone, box.nx, box.ny);
  const auto whole = joint(alone, data);
  const auto maps = tiled(alone, data, 1000, 0, 0, box.nx, box.ny);
  for (std::size_t p = 0; p < whole.size(); ++p) {
    REQUIRE(maps[0][p] == Approx(whole[p]).margin(1e-9));
    REQUIRE(maps[1][p] == Approx(2.0 * whole[p] + data.maps[2][p]).margin(1e-9));
  }
}

TEST_CASE("tiles come nearer to the joint filter with their margin; nothing beyond the field") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const Data data(alone);
  const auto whole = joint(alone, data);
  const double bare = rms_difference(tiled(alone, data, 16, 0, 0)[0], whole);
  const auto maps = tiled(alone, data, 16, 12, 12);
  const double near = rms_difference(maps[0], whole);
  const double nearer = rms_difference(tiled(alone, data, 16, 40, 12)[0], whole);
  CHECK(bare > 0.2);
  CHECK(near < 0.8 * bare);
  CHECK(nearer < 0.5 * near);
  for (std::uint64_t p = 0; p < whole.size(); ++p)
    if (p % box.nx >= nx || p / box.nx >= ny) REQUIRE(maps[0][p] == 0.0);
}

TEST_CASE("blended tiles add up to one") {
  // What depends on the data's place alone, not on the tile, must come out unchanged: twice kappa plus the
  // noise, less twice kappa.
  const mpi::Communicator alone(MPI_COMM_SELF);
  const Data data(alone);
  for (const std::uint64_t blend : {0U, 5U, 10U}) {
    const auto maps = tiled(alone, data, 10, 8, blend);
    for (std::uint64_t p = 0; p < maps[0].size(); ++p)
      if (p % box.nx < nx && p / box.nx < ny)
        REQUIRE(maps[1][p] - 2.0 * maps[0][p] == Approx(data.maps[2][p]).margin(1e-12));
  }
}

TEST_CASE("tile by tile: the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  const Data mine(comm), all(alone);
  const auto ours = tiled(comm, mine, 16, 9, 9), whole = tiled(alone, all, 16, 9, 9);
  for (std::size_t map = 0; map < 2; ++map)
    for (std::size_t p = 0; p < ours[map].size(); ++p) REQUIRE(ours[map][p] == whole[map][mine.first + p]);
}
