#include "mpi/ordered_sum.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace tessera::mpi {

OrderedSum::OrderedSum(const Communicator& comm, std::uint64_t blocks, std::uint64_t first)
    : comm_(&comm), first_(first), all_(blocks) {}

double OrderedSum::operator()(std::span<const double> partial) const {
  TESSERA_REQUIRE(partial.empty() || first_ + partial.size() <= all_.size());
  std::fill(all_.begin(), all_.end(), 0.0);
  std::copy(partial.begin(), partial.end(),
            all_.begin() + static_cast<std::ptrdiff_t>(partial.empty() ? 0 : first_));
  // Every entry is non-zero on one rank at most, so the reduction's order cannot change a bit.
  comm_->sum(std::span<double>(all_));
  return std::accumulate(all_.begin(), all_.end(), 0.0);
}

}  // namespace tessera::mpi
