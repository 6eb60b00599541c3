#include "apps/overview.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"

namespace tessera::apps {
namespace {

constexpr const char* introduction =
    "Reads a galaxy shear catalogue, bins it and maps the convergence with its uncertainty, on as many MPI "
    "ranks as it needs. 'tessera COMMAND --help' explains a command, and so does 'man tessera-COMMAND' where "
    "Tessera is installed; 'tessera --version' prints the versions of it and of its "
    "libraries.\n\nCommands:\n";

constexpr const char* surroundings =
    "\nEnvironment:\n"
    "  OMP_NUM_THREADS  threads of a rank for networks and transforms\n"
    "  TESSERA_DATA     folder of the shipped networks [share/tessera/data beside bin/]\n"
    "\nExit codes:\n"
    "  0   done\n"
    "  1   failed; the one line 'error: ...' says why, and no output was written\n"
    "  75  ended on request, with a checkpoint; the same command with --resume goes on\n";

std::string file_name(const std::string& page) {
  std::string name = page;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

void write(const std::filesystem::path& folder, const config::Page& page,
           const std::vector<std::string>& see_also) {
  const std::filesystem::path path = folder / (file_name(page.name) + ".1");
  std::ofstream file(path);
  file << config::man_page(page, see_also);
  if (!file.flush()) fail("cannot write the man page '{}'", path.string());
}

}  // namespace

config::Page overview(const std::vector<Application>& applications) {
  std::string text = introduction;
  for (const Application& application : applications)
    text += fmt::format("  {}  {}\n", application.command.name(), application.command.synopsis());
  return {"tessera",
          "dark-matter maps from galaxy shear catalogues",
          "[mpirun -n RANKS] tessera COMMAND [options]",
          text + surroundings,
          {}};
}

void write_man_pages(const std::vector<Application>& applications, const std::string& folder) {
  std::error_code ignored;  // the first page tells
  std::filesystem::create_directories(folder, ignored);
  std::vector<std::string> pages;
  for (const Application& application : applications) {
    const config::Page page = application.command.page();
    pages.push_back(file_name(page.name));
    write(folder, page, {"tessera"});
  }
  write(folder, overview(applications), pages);
}

}  // namespace tessera::apps
