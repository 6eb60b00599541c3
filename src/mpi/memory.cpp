#include "mpi/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>

#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::mpi {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// Bytes behind a key of the system's lists, which count in kilobytes.
double listed(const char* path, const std::string& wanted, double absent) {
  std::ifstream file(path);
  for (std::string key; file >> key;) {
    double kilobytes = 0.0;
    if (key == wanted && file >> kilobytes) return 1024.0 * kilobytes;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return absent;
}

double node_memory() { return listed("/proc/meminfo", "MemAvailable:", unlimited); }

/// "max" or a file that is not there is no limit.
double control_group_memory() {
  double limit = 0.0;
  double used = 0.0;
  if (!(std::ifstream("/sys/fs/cgroup/memory.max") >> limit)) return unlimited;
  if (!(std::ifstream("/sys/fs/cgroup/memory.current") >> used)) return limit;
  return std::max(0.0, limit - used);
}

double address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

double peak_memory() { return listed("/proc/self/status", "VmHWM:", 0.0); }

double available_memory(int ranks_on_node) {
  return std::min(std::min(node_memory(), control_group_memory()) / ranks_on_node, address_space());
}

void require_memory(const Communicator& comm, double bytes, const std::string& what) {
  const int ranks = comm.ranks_on_node();
  collectively(comm, [&] {
    const double available = available_memory(ranks);
    if (bytes > available)
      fail(
          "{} needs {:.2f} GB on every rank and {:.2f} GB are available; use fewer or larger pixels, or more "
          "nodes",
          what, bytes * 1e-9, available * 1e-9);
  });
}

void require_memory_here(double bytes, const std::string& what) {
  constexpr double little = 1e8;
  if (bytes < little) return;
  const double available = available_memory(1);
  if (bytes > available)
    fail("{} needs {:.2f} GB of memory and {:.2f} GB are available; is the file damaged?", what, bytes * 1e-9,
         available * 1e-9);
}

}  // namespace tessera::mpi
