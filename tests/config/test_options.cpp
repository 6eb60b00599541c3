#include <cstdio>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "config/options.hpp"
#include "core/error.hpp"
#include "mpi/communicator.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using config::Command;

namespace {

Command command() {
  return {"try",
          "a test",
          "text",
          {{"Group",
            {{"size", "N", "a size", "5"},
             {"name", "TEXT", "a name"},
             {"list", "A,B", "a list"},
             {"fast", "", "a switch"}}}},
          "name"};
}

config::Values parse(const std::vector<std::string>& arguments) { return command().parse(arguments).value(); }

}  // namespace

TEST_CASE("command line before config file before default") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("run.conf");
  std::ofstream(path) << "# a comment\nsize = 7\nname = from file\nfast = yes\n";
  CHECK(parse({}).number("size", 0, 10) == 5.0);
  CHECK(parse({"--config", path}).number("size", 0, 10) == 7.0);
  CHECK(parse({"--config", path, "--size", "9"}).number("size", 0, 10) == 9.0);
  CHECK(parse({"--config", path}).text("name") == "from file");
  CHECK(parse({"--config", path}).flag("fast"));
  CHECK_FALSE(parse({}).flag("fast"));
  CHECK(parse({"--fast", "word"}).text("name") == "word");
}

TEST_CASE("the resolved configuration is a config file that gives the same values") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("resolved.conf");
  const auto values = parse({"--fast", "--list", "a, b", "--name", "x = y#1#100%size%.h5"});
  std::ofstream(path) << values.resolved();
  CHECK(parse({"--config", path}).resolved() == values.resolved());
  CHECK(parse({"--config", path}).words("list") == std::vector<std::string>{"a", "b"});
  std::ofstream(path) << "name = maps#1.h5 # a comment\n#size = 7\n";
  CHECK(parse({"--config", path}).text("name") == "maps#1.h5");
  CHECK(parse({"--config", path}).number("size", 0, 10) == 5.0);
  std::ofstream(path) << "name = a \x01 b\n";  // what stands for # meanwhile
  CHECK_THROWS_WITH(parse({"--config", path}), Catch::Contains("is no text"));
}

TEST_CASE("a switch is yes or no, wherever it is set") {
  CHECK(parse({"--fast=yes"}).flag("fast"));
  CHECK_FALSE(parse({"--fast=no"}).flag("fast"));
  CHECK_THROWS_WITH(parse({"--fast=maybe"}), "--fast is 'maybe' and must be yes or no");
}

TEST_CASE("what is not understood is fatal and named") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("bad.conf");
  std::ofstream(path) << "sise = 7\n";
  CHECK_THROWS_WITH(parse({"--sise", "7"}), Catch::Contains("sise"));
  CHECK_THROWS_WITH(parse({"--siz", "7"}), Catch::Contains("siz"));  // no guessing
  CHECK_THROWS_WITH(parse({"--config", path}), Catch::Contains("sise"));
  CHECK_THROWS_WITH(parse({"--config", folder.path("none")}), Catch::Contains("none"));
  // Boost's names for parts of its messages.
  const std::string own = folder.path("own.conf");
  for (const std::string word :
       {"%canonical_option%", "%original_token%", "%option%", "%prefix%", "%value%"}) {
    CHECK_THROWS_WITH(parse({"--" + word}), Catch::Contains("'--" + word + "'"));
    CHECK_THROWS_WITH(parse({"--sise=" + word}), Catch::Contains("sise"));
    CHECK_THROWS_WITH(parse({"word", word}), Catch::Contains("'" + word + "'"));
    std::ofstream(own) << word + " = 7\n";
    CHECK_THROWS_WITH(parse({"--config", own}), Catch::Contains("'" + word + "'"));
  }
  CHECK_THROWS_WITH(parse({"--name=a\x02z"}), Catch::Contains("control character"));
  CHECK_THROWS_AS(parse({"--size"}), Error);
  CHECK_THROWS_AS(parse({"--size", "1", "--size", "2"}), Error);
  CHECK_THROWS_AS(parse({"one", "two"}), Error);
}

TEST_CASE("values out of range or of the wrong kind are fatal and named") {
  CHECK_THROWS_WITH(parse({"--size", "11"}).number("size", 0, 10), Catch::Contains("--size"));
  CHECK_THROWS_WITH(parse({"--size", "1e"}).number("size", 0, 10), Catch::Contains("1e"));
  CHECK_THROWS_AS(parse({"--size", "nan"}).number("size", 0, 10), Error);
  CHECK_THROWS_AS(parse({"--size", "-1"}).count("size", 0, 10), Error);
  CHECK_THROWS_AS(parse({"--size", "1.5"}).count("size", 0, 10), Error);
  CHECK_THROWS_AS(parse({"--list", "1,,2"}).numbers("list"), Error);
  CHECK_THROWS_AS(parse({"--list", "1,x"}).numbers("list"), Error);
  CHECK_THROWS_WITH(parse({}).text("name"), Catch::Contains("--name"));
  CHECK_THROWS_WITH(parse({"--name", "c"}).choice("name", {"a", "b"}), Catch::Contains("a, b"));
  CHECK(parse({"--size", "-3"}).number("size", -5, 0) == -3.0);
}

TEST_CASE("help is asked for and lists every option") {
  CHECK_FALSE(command().parse({"--help"}));
  for (const char* option : {"--size", "--name", "--list", "--fast", "--config", "--quiet"})
    CHECK_THAT(help_text(command().page()), Catch::Contains(option));
}

TEST_CASE("help and man page keep lists and examples, fill paragraphs, escape troff") {
  const Command command{
      "try",
      "a test",
      "One paragraph\nof two lines:\n  short  first\n  longer term  second,\n    which goes on\n"
      "After the list.\n\nexample: tessera try --name a-b \\\n           --fast\n",
      {{"Group", {{"name", "TEXT", ".a name", "x"}, {"fast,f", "", "a switch"}}}}};
  const std::string help = help_text(command.page());
  CHECK_THAT(help, Catch::Contains("\nOne paragraph of two lines:\n"
                                   "  short        first\n"
                                   "  longer term  second, which goes on\n"
                                   "\nAfter the list.\n"
                                   "\nexample: tessera try --name a-b \\\n           --fast\n"));
  CHECK_THAT(help, Catch::Contains("  --name TEXT                 .a name [x]\n  -f, --fast "));
  const std::string page = man_page(command.page(), {"tessera"});
  CHECK_THAT(page, Catch::StartsWith(".TH tessera\\-try 1 "));
  CHECK_THAT(page, Catch::Contains(".TP\n.B longer term\nsecond, which goes on\n.PP\nAfter the list.\n"));
  CHECK_THAT(page, Catch::Contains(".EX\ntessera try \\-\\-name a\\-b \\e\n  \\-\\-fast\n.EE\n"));
  CHECK_THAT(page, Catch::Contains(".TP\n.B \\-\\-name TEXT\n\\&.a name [x]\n"));
  CHECK_THAT(page, Catch::EndsWith(".SH SEE ALSO\n.BR tessera (1)\n"));
}
