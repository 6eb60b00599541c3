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
    const auto begin = [&](std::size_t rank) { return leaves * rank / ranks; };
    const mpi::TreeSum sum(comm, leaves, begin(here), begin(here + 1), entries);
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
