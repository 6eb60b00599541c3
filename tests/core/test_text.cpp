#include <new>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/text.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace tessera;

TEST_CASE("a message is one line that commands no terminal") {
  CHECK(one_line("plain text, 'quoted'") == "plain text, 'quoted'");
  CHECK(one_line("a\nb\rc\td\x1b[2J") == "a?b?c?d?[2J");
  CHECK(one_line(std::string_view("a\0b", 3)) == "a?b");
  CHECK(one_line("Köln, \xE2\x82\xAC, \xF0\x9F\x99\x82") == "Köln, \xE2\x82\xAC, \xF0\x9F\x99\x82");
}

TEST_CASE("a text whose file fails is not taken for a shorter one") {
  std::istringstream text("a\nb\n");
  for (std::string line; std::getline(text, line);) {
  }
  CHECK_NOTHROW(require_whole(text, "list.txt"));
  text.setstate(std::ios::badbit);
  CHECK_THROWS_WITH(require_whole(text, "list.txt"),
                    "cannot read 'list.txt' to its end; check the disk, and run again");
}

TEST_CASE("exceptions are told without lists of calls, failed allocations alike") {
  CHECK(description(Error("plain")) == "plain");
  CHECK(description(Error("")) == "unknown error");
  CHECK(description(std::runtime_error(
            "sizes differ\nException raised from check at x.cpp:7\nframe #0: f")) == "sizes differ");
  const std::string memory = description(std::bad_alloc());
  CHECK_THAT(memory, Catch::StartsWith("out of memory"));
  CHECK(description(std::runtime_error("Allocator: can't allocate memory: you tried 7 bytes\nframe #0")) ==
        memory);
}

TEST_CASE("what is no UTF-8, and control characters beyond ASCII, are replaced") {
  CHECK(one_line("\xff\xfe") == "??");
  CHECK(one_line("a\xC3") == "a?");          // cut short
  CHECK(one_line("\xC3(") == "?(");          // not continued
  CHECK(one_line("\xC0\xAF") == "??");       // too long for its value
  CHECK(one_line("\xED\xA0\x80") == "???");  // half of a pair
  CHECK(one_line("\xC2\x9B"
                 "2J") == "?2J");  // a terminal's command
  CHECK(one_line("a\xC2\x85"
                 "b\xE2\x80\xA8"
                 "c") == "a?b?c");
}

TEST_CASE("long text is cut: of a message the middle, of an excerpt the end") {
  const std::string text = "begin" + std::string(100000, 'x') + "end";
  CHECK(one_line(text).size() < 2100);
  CHECK(one_line(text).starts_with("beginx"));
  CHECK(one_line(text).ends_with("xend"));
  CHECK(excerpt(text) == "begin" + std::string(35, 'x'));
}

TEST_CASE("pipes and devices are refused, files and what is not there pass") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string pipe = folder.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_AS(refuse_streams(pipe, "input"), Error);
  CHECK_THROWS_AS(refuse_streams("/dev/zero", "input"), Error);
  CHECK_NOTHROW(refuse_streams("/proc/self/status", "input"));
  CHECK_NOTHROW(refuse_streams(folder.path("absent"), "input"));
}

}  // namespace
