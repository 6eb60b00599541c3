#include "mpi/memory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>

#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::mpi {
namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();
constexpr double kilobyte = 1024.0;  // of the system's lists

/// The number behind a key, in one of the system's lists.
double listed(const fs::path& path, const std::string& wanted, double absent) {
  std::ifstream file(path);
  for (std::string key; file >> key;) {
    double value = 0.0;
    if (key == wanted && file >> value) return value;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return absent;
}

double node_memory() { return kilobyte * listed("/proc/meminfo", "MemAvailable:", unlimited); }

/// The names of what a version of control groups tells.
struct GroupFiles {
  const char *limit, *used, *droppable;
};
constexpr GroupFiles version_1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles version_2{"memory.max", "memory.current", "inactive_file"};

/// "max" or a file that is not there is no limit. What is kept of files gives way when memory is short.
double room_of_group(const fs::path& group, const GroupFiles& names) {
  double limit = 0.0, used = 0.0;
  if (!(std::ifstream(group / names.limit) >> limit)) return unlimited;
  if (!(std::ifstream(group / names.used) >> used)) return limit;
  used -= listed(group / "memory.stat", names.droppable, 0.0);
  return std::max(0.0, limit - std::max(0.0, used));
}

/// The least room of a group and of all that it is in.
double room_of_groups(const fs::path& root, fs::path group, const GroupFiles& names) {
  double room = unlimited;
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    room = std::min(room, room_of_group(root / group, names));
  return std::min(room, room_of_group(root, names));
}

double address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  const double used = kilobyte * listed("/proc/self/status", "VmSize:", 0.0);
  return std::max(0.0, static_cast<double>(limit.rlim_cur) - used);
}

}  // namespace

double control_group_memory(const std::string& groups, const std::string& root) {
  double room = unlimited;
  std::ifstream file(groups);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers == "memory") room = std::min(room, room_of_groups(root + "/memory", group, version_1));
    if (!controllers.empty()) continue;
    for (const char* const mounted : {"", "/unified"})
      room = std::min(room, room_of_groups(root + mounted, group, version_2));
  }
  return room;
}

double peak_memory() { return kilobyte * listed("/proc/self/status", "VmHWM:", 0.0); }

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
