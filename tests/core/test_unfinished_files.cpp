#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/unfinished_files.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;

TEST_CASE("files in the middle of being written go, those that are whole stay, and one process speaks") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string first = folder.path("a"), second = folder.path("b"), whole = folder.path("c");
  CHECK(unfinished_files::delete_all());  // there are none
  for (const std::string& path : {first, second, whole}) {
    std::ofstream(path) << "text";
    unfinished_files::add(path);
  }
  unfinished_files::remove(whole);
  // As ranks of a node that fail together.
  constexpr int processes = 8;
  int speakers = 0;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(unfinished_files::delete_all() ? 1 : 0);
    REQUIRE(child > 0);
  }
  for (int i = 0; i < processes; ++i) {
    int status = 0;
    REQUIRE(wait(&status) > 0);
    REQUIRE(WIFEXITED(status));
    speakers += WEXITSTATUS(status);
  }
  CHECK(speakers == 1);
  CHECK_FALSE(std::filesystem::exists(first));
  CHECK_FALSE(std::filesystem::exists(second));
  CHECK(std::filesystem::exists(whole));
  CHECK_FALSE(unfinished_files::delete_all());
  unfinished_files::remove(first);
  unfinished_files::remove(second);
}
