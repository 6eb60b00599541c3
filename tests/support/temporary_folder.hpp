#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "mpi/communicator.hpp"

namespace tessera::test {

/// A folder that all ranks share and that goes with the object. Collective.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const mpi::Communicator& comm) : comm_(&comm) {
    std::string name = (std::filesystem::temp_directory_path() / "tessera-XXXXXX").string();
    if (comm.is_root() && mkdtemp(name.data()) == nullptr) name.clear();
    folder_ = comm.broadcast(name);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    comm_->barrier();
    if (comm_->is_root() && !folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  const mpi::Communicator* comm_;
  std::string folder_;
};

}  // namespace tessera::test
