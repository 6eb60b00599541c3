#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "mpi/tree_sum.hpp"

using namespace tessera;

namespace {

/// Entry i of vector v of a leaf: no two alike, and none that adds without rounding.
double value(std::uint64_t leaf, std::size_t v, std::size_t i) {
  return std::sin(static_cast<double>(1 + leaf)) * std::exp(static_cast<double>(3 * v + i % 5)) / 3.0;
}

/// Leaves [first, first + count), added along the tree.
double tree(std::uint64_t first, std::uint64_t count, std::size_t v, std::size_t i) {
  if (count == 1) return value(first, v, i);
  return tree(first, count / 2, v, i) + tree(first + count / 2, count / 2, v, i);
}

}  // namespace

TEST_CASE("sums along a tree: each rank's entries of every vector, to the bit, whoever has the leaves") {
  const mpi::Communicator comm;
  const auto ranks = static_cast<std::size_t>(comm.size()), here = static_cast<std::size_t>(comm.rank());
  // As unequal as can be: none for rank 0, unless it is alone.
  std::vector<std::size_t> entries{0};
  for (std::size_t rank = 0; rank < ranks; ++rank)
    entries.push_back(entries.back() + (ranks == 1 ? 5 : 3 * rank));
  const std::size_t first = entries[here], own = entries[here + 1] - first;
  for (const std::uint64_t leaves : {1U, 2U, 8U, 32U}) {
    std::vector<std::uint64_t> begin;
    for (std::size_t rank = 0; rank <= ranks; ++rank) begin.push_back(leaves * rank / ranks);
    const mpi::TreeSum sum(comm, begin, entries);
    // Buffers of a larger set serve a smaller one.
    for (const std::size_t vectors : {1U, 3U, 1U}) {
      std::vector<std::vector<double>> sums(vectors, std::vector<double>(own));
      const std::vector<std::span<double>> out(sums.begin(), sums.end());
      sum(
          [&](std::uint64_t leaf, std::span<double> values) {
            REQUIRE(values.size() == vectors * entries.back());
            for (std::size_t v = 0; v < vectors; ++v)
              for (std::size_t i = 0; i < entries.back(); ++i)
                values[v * entries.back() + i] = value(leaf, v, i);
          },
          out);
      for (std::size_t v = 0; v < vectors; ++v)
        for (std::size_t i = 0; i < own; ++i) CHECK(sums[v][i] == tree(0, leaves, v, first + i));
    }
  }
}

TEST_CASE("what a tree sum keeps: terms that wait for their sibling, and what others send") {
  const auto kept = [](const std::vector<std::uint64_t>& begin) {
    const mpi::TreeSum::Kept most = mpi::TreeSum::most_kept(begin);
    return std::pair(most.whole, most.own_entries);
  };
  CHECK(kept({0, 1}) == std::pair<std::uint64_t, std::uint64_t>(1, 0));
  CHECK(kept({0, 8}) == std::pair<std::uint64_t, std::uint64_t>(4, 0));
  CHECK(kept({0, 4, 8}) == std::pair<std::uint64_t, std::uint64_t>(3, 1));
  CHECK(kept({0, 1, 2, 2, 2}) == std::pair<std::uint64_t, std::uint64_t>(1, 2));
  // Of leaves 21 to 41 the sums of 21, 22 + 23, 24 to 31, 32 to 35, 36 + 37 and 38 wait when 39 comes.
  CHECK(kept({0, 21, 42, 64}) == std::pair<std::uint64_t, std::uint64_t>(7, 8));
}
