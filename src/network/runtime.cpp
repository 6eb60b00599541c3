#include "network/runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <malloc.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "core/error.hpp"
#include "mpi/memory.hpp"

namespace tessera::network {

namespace {

/// OpenBLAS takes a buffer for every thread at its first product of matrices, and tries for ever where it
/// cannot have one: it gets them here, where that can be told.
void claim_matrix_buffers(int threads) {
  constexpr double buffer = 1.35e8, beside = 3e7;
  const double wanted = buffer * threads + beside, available = mpi::available_memory(1);
  if (wanted > available)
    fail(
        "networks need {:.2f} GB for products of matrices alone and {:.2f} GB are available; use fewer ranks "
        "a node",
        wanted * 1e-9, available * 1e-9);
  at::parallel_for(0, threads, 1, [](std::int64_t, std::int64_t) {
    constexpr std::int64_t side = 64;
    torch::mm(torch::ones({side, side}), torch::ones({side, side}));
  });
}

/// LibTorch waits for ever for threads that the system refuses.
void require_threads(int threads) {
  std::promise<void> all;
  const std::shared_future<void> started = all.get_future().share();
  std::vector<std::thread> trial;
  std::string refused;
  try {
    while (static_cast<int>(trial.size()) + 1 < threads) trial.emplace_back([started] { started.wait(); });
  } catch (const std::system_error& problem) {
    refused = problem.code().message();
  }
  all.set_value();
  for (std::thread& thread : trial) thread.join();
  if (!refused.empty())
    fail(
        "networks want {} threads on this rank and the system gives {} ({}); raise the limit on processes or "
        "set "
        "OMP_NUM_THREADS lower",
        threads, trial.size() + 1, refused);
}

}  // namespace

void prepare_runtime(int threads) {
  require_threads(threads);
  at::set_num_threads(std::max(threads, 1));
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  // Of the process: a second model finds them there.
  [[maybe_unused]] static const bool claimed = (claim_matrix_buffers(std::max(threads, 1)), true);
}

torch::Device chosen_device(const std::string& name, int rank_on_node) {
  if (name == "cpu") return torch::kCPU;
  const std::string number = name.starts_with("cuda:") ? name.substr(5) : "";
  const bool numbered =
      !number.empty() && number.size() < 4 && number.find_first_not_of("0123456789") == std::string::npos;
  if (name != "cuda" && !numbered) fail("--device is '{}'; it may be cpu, cuda or cuda:N", name);
  if (!torch::cuda::is_available())
    fail("--device {}: this LibTorch was built without CUDA or finds no GPU here; use --device cpu", name);
  const auto count = static_cast<int>(torch::cuda::device_count());
  const int wanted = numbered ? std::stoi(number) : rank_on_node % count;
  if (wanted >= count) fail("--device {}: this node has {} GPUs, numbered from 0", name, count);
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(wanted)};
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
