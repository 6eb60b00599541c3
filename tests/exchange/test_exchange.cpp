#include <numeric>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/random.hpp"
#include "exchange/exchanger.hpp"
#include "exchange/tile_exchange.hpp"
#include "sky/block_distribution.hpp"

using namespace tessera;
using exchange::ExchangePlan;
using exchange::Exchanger;
using exchange::Segment;

namespace {

struct Case {
  std::uint64_t nx, ny;  // field
  PaddedBox box;
  std::uint64_t side, halo, alignment;
};

// Halos wider than tiles, than the field and than the box; tiles that the field cuts; boxes of odd size.
const std::vector<Case> cases{{33, 21, {40, 30}, 8, 4, 4}, {33, 21, {33, 21}, 8, 12, 4},
                              {5, 3, {7, 4}, 2, 9, 1},     {16, 16, {16, 16}, 16, 8, 8},
                              {17, 9, {18, 9}, 100, 3, 1}, {12, 40, {25, 41}, 6, 5, 2},
                              {1, 1, {2, 2}, 1, 0, 1}};

PlaneTiles tiles_of(const Case& c) { return {c.nx, c.ny, c.box, c.side, c.halo, c.alignment}; }

/// This rank's pixels of the box: global index, plus a million for every component.
std::vector<double> index_field(const ExchangePlan& plan, const Case& c, const mpi::Communicator& comm,
                                std::size_t components) {
  const std::uint64_t first = BlockDistribution(c.box.ny, comm.size()).begin(comm.rank()) * c.box.nx;
  std::vector<double> values;
  for (std::size_t component = 0; component < components; ++component)
    for (std::uint64_t i = 0; i < plan.owned(); ++i)
      values.push_back(static_cast<double>(first + i) + 1e6 * static_cast<double>(component));
  return values;
}

std::uint64_t modulo(std::int64_t i, std::uint64_t n) {
  while (i < 0) i += static_cast<std::int64_t>(n);
  return static_cast<std::uint64_t>(i) % n;
}

}  // namespace

TEST_CASE("every pixel of every window comes from its place in the periodic box") {
  const mpi::Communicator comm;
  constexpr std::size_t components = 2;
  for (const Case& c : cases) {
    const PlaneTiles tiles = tiles_of(c);
    Exchanger exchanger(comm, exchange::plane_tile_plan(tiles, comm.rank(), comm.size()), components);
    const std::uint64_t wanted = exchanger.plan().wanted();
    std::vector<double> buffer(components * wanted, -1.0);
    for (int repeat = 0; repeat < 2; ++repeat) {
      exchanger.start(index_field(exchanger.plan(), c, comm, components));
      exchanger.finish(buffer);
    }
    std::uint64_t at = 0;
    for (std::uint64_t t = tiles.begin(comm.rank(), comm.size()); t < tiles.end(comm.rank(), comm.size());
         ++t) {
      const TileWindow window = tiles.window(t);
      REQUIRE(at == exchange::window_offset(tiles, tiles.begin(comm.rank(), comm.size()), t));
      REQUIRE(modulo(window.x, c.alignment) == 0);
      REQUIRE(window.width % c.alignment == 0);
      for (std::uint64_t row = 0; row < window.height; ++row)
        for (std::uint64_t column = 0; column < window.width; ++column, ++at) {
          const std::uint64_t y = modulo(window.y + static_cast<std::int64_t>(row), c.box.ny);
          const std::uint64_t x = modulo(window.x + static_cast<std::int64_t>(column), c.box.nx);
          REQUIRE(buffer[at] == static_cast<double>(y * c.box.nx + x));
          REQUIRE(buffer[wanted + at] == static_cast<double>(y * c.box.nx + x) + 1e6);
        }
    }
    REQUIRE(at == wanted);
  }
}

TEST_CASE("cores come back to their places in the rows of the box") {
  const mpi::Communicator comm;
  for (const Case& c : cases) {
    const PlaneTiles tiles = tiles_of(c);
    Exchanger exchanger(comm, exchange::plane_core_plan(tiles, comm.rank(), comm.size()), 1);
    std::vector<double> cores;
    for (std::uint64_t t = tiles.begin(comm.rank(), comm.size()); t < tiles.end(comm.rank(), comm.size());
         ++t) {
      const auto core = tiles.core(t);
      for (std::uint64_t y = core.y; y < core.y + core.height; ++y)
        for (std::uint64_t x = core.x; x < core.x + core.width; ++x)
          cores.push_back(static_cast<double>(y * c.box.nx + x));
    }
    REQUIRE(cores.size() == exchanger.plan().owned());
    std::vector<double> rows(exchanger.plan().wanted(), -1.0);
    exchanger.start(cores);
    exchanger.finish(rows);
    const BlockDistribution layout(c.box.ny, comm.size());
    for (std::uint64_t y = layout.begin(comm.rank()); y < std::min(layout.end(comm.rank()), c.ny); ++y)
      for (std::uint64_t x = 0; x < c.box.nx; ++x) {
        const std::uint64_t i = (y - layout.begin(comm.rank())) * c.box.nx + x;
        if (x < c.nx) REQUIRE(rows[i] == static_cast<double>(y * c.box.nx + x));
        if (x >= c.nx && i < rows.size()) REQUIRE(rows[i] == -1.0);
      }
  }
}

TEST_CASE("the cores of the tiles cover the field once, whoever owns them") {
  for (const Case& c : cases)
    for (const int ranks : {1, 2, 3, 7}) {
      const PlaneTiles tiles = tiles_of(c);
      std::vector<int> seen(c.nx * c.ny, 0);
      std::uint64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank)
        for (std::uint64_t t = tiles.begin(rank, ranks); t < tiles.end(rank, ranks); ++t) {
          REQUIRE(t == next++);
          const auto core = tiles.core(t);
          for (std::uint64_t y = core.y; y < core.y + core.height; ++y)
            for (std::uint64_t x = core.x; x < core.x + core.width; ++x) ++seen[y * c.nx + x];
        }
      REQUIRE(next == tiles.count());
      for (const int times : seen) REQUIRE(times == 1);
    }
}

TEST_CASE("the adjoint exchange is the transpose, with the same bits on any number of ranks") {
  const mpi::Communicator comm, alone(MPI_COMM_SELF);
  for (const Case& c : cases) {
    const PlaneTiles tiles = tiles_of(c);
    // Values that belong to a place in the windows of all tiles, so that any rank makes its own.
    const auto windows = [&](const mpi::Communicator& who) {
      const RandomStream noise(4, Purpose::test);
      std::vector<double> values;
      for (std::uint64_t t = tiles.begin(who.rank(), who.size()); t < tiles.end(who.rank(), who.size()); ++t)
        for (std::uint64_t i = 0; i < tiles.window(t).width * tiles.window(t).height; ++i)
          values.push_back(noise.normals(t * 100000 + i)[0]);
      return values;
    };
    Exchanger exchanger(comm, exchange::plane_tile_plan(tiles, comm.rank(), comm.size()), 1);
    Exchanger serial(alone, exchange::plane_tile_plan(tiles, 0, 1), 1);
    const auto y = windows(comm), whole_y = windows(alone);
    std::vector<double> back(exchanger.plan().owned()), whole(serial.plan().owned());
    exchanger.adjoint(y, back);
    serial.adjoint(whole_y, whole);
    const std::uint64_t first = BlockDistribution(c.box.ny, comm.size()).begin(comm.rank()) * c.box.nx;
    for (std::size_t i = 0; i < back.size(); ++i) REQUIRE(back[i] == whole[first + i]);

    const auto x = index_field(exchanger.plan(), c, comm, 1);
    std::vector<double> moved(exchanger.plan().wanted());
    exchanger.start(x);
    exchanger.finish(moved);
    const double left = comm.sum(std::inner_product(moved.begin(), moved.end(), y.begin(), 0.0));
    const double right = comm.sum(std::inner_product(back.begin(), back.end(), x.begin(), 0.0));
    CHECK(left == Approx(right).epsilon(1e-11).margin(1e-9));
  }
}

TEST_CASE("a plan knows what it moves, and refuses values that nobody owns") {
  // Rank 1 of 3 owns 4 to 6; every rank wants 0 to 8 twice over, in two orders.
  const auto wants = [](int) { return std::vector<Segment>{{0, 9, 9}, {5, 0, 4}, {0, 4, 5}}; };
  const ExchangePlan plan(1, {0, 4, 7, 9}, wants);
  CHECK(plan.owned() == 3);
  CHECK(plan.wanted() == 18);
  CHECK(plan.sent() == 2 * (3 + 2 + 1));
  CHECK(plan.received() == 2 * 6);
  CHECK(plan.send()[0].size() == 3);
  CHECK_THROWS_AS(ExchangePlan(0, {0, 4},
                               [](int) {
                                 return std::vector<Segment>{{2, 0, 3}};
                               }),
                  ContractViolation);
}
