#include <filesystem>
#include <fstream>
#include <limits>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "mpi/memory.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// The system's folders of control groups, as this rank makes them.
struct Groups {
  fs::path root, list;

  [[nodiscard]] double room() const { return mpi::control_group_memory(list, root); }
};

Groups empty_groups(const mpi::Communicator& comm, const test::TemporaryFolder& folder) {
  const fs::path own = folder.path("rank_" + std::to_string(comm.rank()));
  return {own / "cgroup", own / "list"};
}

}  // namespace

TEST_CASE("more memory than there is is refused, a little is not") {
  const mpi::Communicator comm;
  CHECK_THROWS_AS(mpi::require_memory(comm, 1e18, "a test"), Error);
  CHECK_NOTHROW(mpi::require_memory(comm, 1e5, "a test"));
}

TEST_CASE("the tightest of the control groups around a job counts, in version 2") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const Groups groups = empty_groups(comm, folder);
  write(groups.list, "0::/slurm/job_7/step_0\n");
  CHECK(groups.room() == std::numeric_limits<double>::infinity());
  write(groups.root / "slurm/job_7/step_0/memory.max", "max\n");
  CHECK(groups.room() == std::numeric_limits<double>::infinity());
  write(groups.root / "slurm/job_7/memory.max", "5000\n");
  write(groups.root / "slurm/job_7/memory.current", "3000\n");
  CHECK(groups.room() == 2000.0);
  // Files that the kernel keeps in memory give way.
  write(groups.root / "slurm/job_7/memory.stat", "anon 2500\ninactive_file 500\nactive_file 7\n");
  CHECK(groups.room() == 2500.0);
  write(groups.root / "slurm/memory.max", "10000\n");
  write(groups.root / "slurm/memory.current", "9000\n");
  CHECK(groups.room() == 1000.0);
  write(groups.root / "slurm/memory.current", "12000\n");
  CHECK(groups.room() == 0.0);
}

TEST_CASE("the tightest of the control groups around a job counts, in version 1") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const Groups groups = empty_groups(comm, folder);
  write(groups.list, "9:cpuset:/elsewhere\n4:memory:/job_7\n0::/\n");
  write(groups.root / "memory/job_7/memory.limit_in_bytes", "8000\n");
  write(groups.root / "memory/job_7/memory.usage_in_bytes", "6000\n");
  write(groups.root / "memory/job_7/memory.stat", "inactive_file 1\ntotal_inactive_file 300\n");
  CHECK(groups.room() == 2300.0);
  // In a container the own group may be mounted as the root.
  write(groups.list, "4:memory:/not/mounted/job_7\n");
  CHECK(groups.room() == std::numeric_limits<double>::infinity());
  write(groups.root / "memory/memory.limit_in_bytes", "7000\n");
  write(groups.root / "memory/memory.usage_in_bytes", "1000\n");
  CHECK(groups.room() == 6000.0);
}
