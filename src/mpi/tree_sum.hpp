#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mpi/communicator.hpp"

namespace tessera::mpi {

/// Sums of vectors over ranks whose bits do not depend on the rank count. The terms are the leaves of a
/// binary tree, dealt to ranks in contiguous ranges; they are always added along that tree, within a rank as
/// between ranks.
class TreeSum {
 public:
  /// leaves: over all ranks, a power of two, of which this rank has [begin, end). comm must outlive this.
  /// Collective.
  TreeSum(const Communicator& comm, std::uint64_t leaves, std::uint64_t begin, std::uint64_t end);

  /// make: fills the vector of one of this rank's leaves; sum: of all leaves' vectors, on every rank. Keeps
  /// as many vectors of that length as the tree is deep, and one more. Collective.
  void operator()(const std::function<void(std::uint64_t leaf, std::span<double> values)>& make,
                  std::span<double> sum) const;

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
  void combine(std::span<double> sum) const;

  const Communicator* comm_;
  std::uint64_t begin_, end_;
  std::vector<std::vector<Node>> nodes_;  // of every rank, after its own leaves are added
  mutable Stack own_, all_;
};

}  // namespace tessera::mpi
