#include "network/runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <sched.h>
#include <torch/torch.h>
#include <unistd.h>

namespace tessera::network {

void prepare_runtime(int threads) {
  at::set_num_threads(std::max(threads, 1));
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

int threads_per_rank(int ranks_on_node) {
  if (const char* const wanted = std::getenv("OMP_NUM_THREADS")) return std::max(1, std::atoi(wanted));
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  // A rank that is bound to some of the node's cores has them to itself.
  const bool bound = CPU_COUNT(&cores) < sysconf(_SC_NPROCESSORS_ONLN);
  return std::max(1, bound ? CPU_COUNT(&cores) : CPU_COUNT(&cores) / std::max(1, ranks_on_node));
}

}  // namespace tessera::network
