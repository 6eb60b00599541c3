#include "core/unfinished_files.hpp"

#include <cerrno>
#include <set>
#include <unistd.h>

namespace tessera::unfinished_files {
namespace {

std::set<std::string>& paths() {
  static std::set<std::string> all;
  return all;
}

}  // namespace

void add(const std::string& path) { paths().insert(path); }

void remove(const std::string& path) { paths().erase(path); }

bool delete_all() {
  bool first = paths().empty();
  for (const std::string& path : paths()) {
    const bool deleted = unlink(path.c_str()) == 0 || errno != ENOENT;  // where none may, all speak
    first = first || (deleted && path == *paths().begin());
  }
  return first;
}

}  // namespace tessera::unfinished_files
