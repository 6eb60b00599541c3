#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mpi/communicator.hpp"

namespace tessera::mpi {

/// Sums of vectors over ranks whose bits do not depend on the rank count. The terms are the leaves of a
/// binary tree, dealt to ranks in contiguous ranges; they are always added along that tree, within a rank as
/// between ranks. The sums are dealt out too: every rank adds and keeps its own entries.
class TreeSum {
 public:
  /// leaves: over all ranks, a power of two, of which this rank has [begin, end). entries: [ranks + 1], of a
  /// vector rank r keeps [entries[r], entries[r + 1]). comm must outlive this. Collective.
  TreeSum(const Communicator& comm, std::uint64_t leaves, std::uint64_t begin, std::uint64_t end,
          std::vector<std::size_t> entries);

  /// make: fills the vectors of one of this rank's leaves, [sums.size()][entries.back()]. sums: of all
  /// leaves, this rank's entries of each vector. Keeps as many sets of vectors as this rank's part of the
  /// tree is deep, and one more. Collective.
  void operator()(const std::function<void(std::uint64_t leaf, std::span<double> values)>& make,
                  std::span<const std::span<double>> sums) const;

 private:
  /// Leaves [index << level, (index + 1) << level).
  struct Node {
    std::uint64_t level, index;
  };
  /// Nodes on the way to the root, each with its vector: siblings are added as soon as both are there.
  struct Stack {
    std::vector<Node> nodes;
    std::vector<std::vector<double>> vectors;  // more than nodes: buffers for the next ones
  };
  [[nodiscard]] static std::vector<Node> nodes_of(std::uint64_t begin, std::uint64_t end);
  static std::span<double> next(Stack& stack, std::size_t length);
  static void push(Stack& stack, Node node, std::size_t length);
  void exchange(std::size_t vectors) const;
  void combine(std::size_t vector, std::span<double> sum) const;

  const Communicator* comm_;
  std::uint64_t begin_, end_;
  std::vector<std::size_t> entries_;
  std::vector<std::vector<Node>> nodes_;  // of every rank, after its own leaves are added
  mutable Stack own_, all_;
  mutable std::vector<double> received_;  // [vectors][nodes of all ranks][entries of this one]
  mutable std::vector<MPI_Request> requests_;
};

}  // namespace tessera::mpi
