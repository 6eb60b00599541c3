#pragma once

namespace tessera::network {

/// Threads of the networks' operators on this rank, and memory that is kept from operator to operator rather
/// than given back to the system each time (a third of the run time otherwise). Call once, before networks.
void prepare_runtime(int threads);

/// Threads for one of the ranks that share a node: OMP_NUM_THREADS if set, else the rank's cores.
[[nodiscard]] int threads_per_rank(int ranks_on_node);

}  // namespace tessera::network
