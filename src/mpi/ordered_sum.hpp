#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi/communicator.hpp"

namespace tessera::mpi {

/// Sums whose bits do not depend on the rank count. The terms are grouped into blocks (rows, columns) that
/// never cross ranks; each block is added by its owner in its own order, the block sums by everyone in global
/// order.
class OrderedSum {
 public:
  /// blocks: number of blocks over all ranks; this rank owns [first, first + its number of partial sums).
  OrderedSum(const Communicator& comm, std::uint64_t blocks, std::uint64_t first);

  /// Collective: the sum over all blocks on every rank; `partial` holds this rank's block sums.
  [[nodiscard]] double operator()(std::span<const double> partial) const;

 private:
  const Communicator* comm_;
  std::uint64_t first_;
  mutable std::vector<double> all_;
};

}  // namespace tessera::mpi
