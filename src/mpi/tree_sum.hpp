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
  /// begin: [ranks + 1], leaves [begin[r], begin[r + 1]) are rank r's; their number is a power of two.
  /// entries: [ranks + 1], of a vector rank r keeps [entries[r], entries[r + 1]). comm must outlive this.
  TreeSum(const Communicator& comm, std::vector<std::uint64_t> begin, std::vector<std::size_t> entries);

  /// make: fills the vectors of one of this rank's leaves, [sums.size()][entries.back()]. sums: of all
  /// leaves, this rank's entries of each vector. Collective.
  void operator()(const std::function<void(std::uint64_t leaf, std::span<double> values)>& make,
                  std::span<const std::span<double>> sums) const;

  /// What a rank keeps, for each vector of the sums: whole vectors, and from other ranks vectors of its own
  /// entries. The most of all ranks.
  struct Kept {
    std::uint64_t whole, own_entries;
  };
  [[nodiscard]] static Kept most_kept(std::span<const std::uint64_t> begin);

 private:
  /// Leaves [index << level, (index + 1) << level).
  struct Node {
    std::uint64_t level, index;
  };
  /// A sum of leaves and where it is.
  struct Term {
    Node node;
    double* values;
  };
  [[nodiscard]] static std::vector<Node> nodes_of(std::uint64_t begin, std::uint64_t end);
  static void push(std::vector<Term>& terms, Term term, std::size_t length);
  [[nodiscard]] std::span<double> buffer(std::size_t number, std::size_t length) const;
  void exchange(std::size_t vectors) const;
  void combine(std::size_t vector, std::span<double> sum) const;

  const Communicator* comm_;
  std::vector<std::uint64_t> begin_;
  std::vector<std::size_t> entries_;
  std::vector<std::vector<Node>> nodes_;              // of every rank, after its own leaves are added
  std::size_t others_ = 0;                            // nodes of the other ranks
  mutable std::vector<Term> own_, terms_;             // of this rank; of all ranks, of its own entries
  mutable std::vector<std::vector<double>> buffers_;  // of own_
  mutable std::vector<double> received_;              // [vectors][others_][own entries]
  mutable std::vector<MPI_Request> requests_;
};

}  // namespace tessera::mpi
