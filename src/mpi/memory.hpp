#pragma once

#include <string>

#include "mpi/communicator.hpp"

namespace tessera::mpi {

/// Bytes that this process may still allocate, shared by the ranks of the node: the node's available memory,
/// less where a control group (as Slurm makes one for a job) or the address-space limit sets less.
[[nodiscard]] double available_memory(int ranks_on_node);

/// Bytes left in the control groups of this process, of version 1 or 2, as `groups` lists them; infinity
/// without a limit.
[[nodiscard]] double control_group_memory(const std::string& groups = "/proc/self/cgroup",
                                          const std::string& root = "/sys/fs/cgroup");

/// Most bytes of memory that this process has had at once so far; 0 where the system does not say.
[[nodiscard]] double peak_memory();

/// Collective: Error on every rank if `bytes` are not available on some rank. `what` needs them, for the
/// message.
void require_memory(const Communicator& comm, double bytes, const std::string& what);

/// Of this process alone: Error if `bytes` for `what`, which a file promises, are more than there are.
void require_memory_here(double bytes, const std::string& what);

}  // namespace tessera::mpi
