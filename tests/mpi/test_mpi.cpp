#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "mpi/agreement.hpp"
#include "mpi/ordered_sum.hpp"
#include "sky/block_distribution.hpp"

using namespace tessera;

TEST_CASE("all_to_all delivers every value to its rank, in the order of the senders") {
  const mpi::Communicator comm;
  const auto ranks = static_cast<std::uint64_t>(comm.size());
  const auto me = static_cast<std::uint64_t>(comm.rank());
  // Rank s sends (s + 2 r) % 4 values to rank r; a value names sender, receiver and place.
  std::vector<std::uint64_t> values, offset{0};
  for (std::uint64_t r = 0; r < ranks; ++r) {
    for (std::uint64_t i = 0; i < (me + 2 * r) % 4; ++i) values.push_back(me * 10000 + r * 100 + i);
    offset.push_back(values.size());
  }
  std::vector<std::uint64_t> received_offset;
  const auto received = comm.all_to_all(std::span<const std::uint64_t>(values), offset, &received_offset);
  std::vector<std::uint64_t> expected, expected_offset{0};
  for (std::uint64_t s = 0; s < ranks; ++s) {
    for (std::uint64_t i = 0; i < (s + 2 * me) % 4; ++i) expected.push_back(s * 10000 + me * 100 + i);
    expected_offset.push_back(expected.size());
  }
  CHECK(received == expected);
  CHECK(received_offset == expected_offset);
}

TEST_CASE("exclusive_scan and broadcast") {
  const mpi::Communicator comm;
  const auto me = static_cast<std::uint64_t>(comm.rank());
  CHECK(comm.exclusive_scan(me + 1) == me * (me + 1) / 2);
  const int last = comm.size() - 1;
  CHECK(comm.broadcast(comm.rank() == last ? "from the last" : "", last) == "from the last");
}

TEST_CASE("an ordered sum has the bits of the sum over blocks on one rank") {
  const mpi::Communicator comm;
  for (const std::uint64_t blocks : {1U, 3U, 5U, 100U}) {
    // Terms of many magnitudes: another order of addition would give other bits.
    std::vector<double> all(blocks);
    for (std::uint64_t b = 0; b < blocks; ++b)
      all[b] = std::sin(static_cast<double>(b)) * std::pow(10.0, b % 17);
    const BlockDistribution layout(blocks, comm.size());
    const auto mine = std::span(all).subspan(layout.begin(comm.rank()), layout.count(comm.rank()));
    const mpi::OrderedSum sum(comm, blocks, layout.begin(comm.rank()));
    CHECK(sum(mine) == std::accumulate(all.begin(), all.end(), 0.0));
  }
}

TEST_CASE("a failure on one rank is thrown on all, with its text") {
  const mpi::Communicator comm;
  const int last = comm.size() - 1;
  const auto work = [&] {
    mpi::collectively(comm, [&] {
      if (comm.rank() == last) fail("trouble on rank {}", last);
    });
  };
  CHECK_THROWS_WITH(work(), "trouble on rank " + std::to_string(last));
  CHECK_NOTHROW(mpi::collectively(comm, [] {}));
}

TEST_CASE("running out of memory on one rank is reported on all") {
  const mpi::Communicator comm;
  const auto work = [&] {
    mpi::collectively(comm, [&] {
      if (comm.is_root()) throw std::bad_alloc();
    });
  };
  CHECK_THROWS_AS(work(), Error);
}

TEST_CASE("a block distribution deals every row once") {
  for (const std::uint64_t rows : {1U, 5U, 7U, 360U}) {
    for (const int ranks : {1, 2, 3, 4, 7, 11}) {
      const BlockDistribution layout(rows, ranks);
      std::uint64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        REQUIRE(layout.begin(rank) == next);
        for (std::uint64_t row = layout.begin(rank); row < layout.end(rank); ++row)
          REQUIRE(layout.owner(row) == rank);
        next = layout.end(rank);
      }
      CHECK(next == rows);
    }
  }
}
