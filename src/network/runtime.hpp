#pragma once

#include <string>
#include <torch/torch.h>

namespace tessera::network {

/// Threads of the networks' operators on this rank, and memory that is kept from operator to operator rather
/// than given back to the system each time (a third of the run time otherwise). Call before networks. Error,
/// on this rank alone, if there is not enough memory for any network.
void prepare_runtime(int threads);

/// The device `name` for a rank of a node: cpu; cuda, one of the node's GPUs, which the node's ranks take in
/// turn; cuda:N. Error if LibTorch was built without CUDA, or finds no such GPU.
[[nodiscard]] torch::Device chosen_device(const std::string& name, int rank_on_node);

/// Threads for one of the ranks that share a node: OMP_NUM_THREADS if set, else the rank's cores.
[[nodiscard]] int threads_per_rank(int ranks_on_node);

}  // namespace tessera::network
