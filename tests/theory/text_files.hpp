#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.hpp"

namespace tessera::test {

/// Text files in a folder that goes with the object.
class TextFiles {
 public:
  /// The path of what was written.
  [[nodiscard]] std::string write(const std::string& text, const std::string& name) const {
    const std::filesystem::path path = folder_.path(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

 private:
  mpi::Communicator comm_;
  TemporaryFolder folder_{comm_};
};

}  // namespace tessera::test
