#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "apps/networks.hpp"

namespace tessera::apps {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() {
  std::error_code problem;
  return fs::read_symlink("/proc/self/exe", problem).parent_path();
}

}  // namespace

std::string find_data(const std::string& name) {
  std::vector<fs::path> folders{program_folder() / "../share/tessera/data", program_folder() / "../../data"};
  if (const char* const chosen = std::getenv("TESSERA_DATA")) folders.insert(folders.begin(), chosen);
  for (const fs::path& folder : folders) {
    std::error_code problem;
    if (fs::exists(folder / name, problem)) return (folder / name).lexically_normal().string();
  }
  return {};
}

config::Option device_option() {
  return {"device", "cpu|cuda[:N]",
          "what computes networks: the rank's cores, or a GPU, which the ranks of a node take in turn",
          "cpu"};
}

void become_networks(char** argv) {
  const std::string program = (program_folder() / "tessera-networks").string();
  execv(program.c_str(), argv);
}

}  // namespace tessera::apps
