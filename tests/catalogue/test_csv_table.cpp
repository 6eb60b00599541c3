// Text tables whose form is unusual but clear, and text that is none.
#include <cmath>
#include <fstream>
#include <limits>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
using namespace tessera::catalogue;
using Catch::Contains;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Text files in a folder, and what is read from them.
struct Texts {
  mpi::Communicator comm{MPI_COMM_SELF};
  test::TemporaryFolder folder{comm};

  [[nodiscard]] std::unique_ptr<Table> table(const std::string& bytes) const {
    const std::string path = folder.path("a.csv");
    std::ofstream(path, std::ios::binary) << bytes;
    return open_table({path, ""});
  }

  [[nodiscard]] std::vector<std::string> names(const std::string& bytes) const {
    return table(bytes)->column_names();
  }

  /// The column's values, which must be the same for all numbers of ranks.
  [[nodiscard]] std::vector<double> values(const std::string& bytes, const std::string& name) const {
    const auto opened = table(bytes);
    const std::vector<double> whole = opened->read_share({name}, 0, 1)[0];
    for (const int ranks : {2, 3, 7, 101}) {
      INFO("ranks: " << ranks);
      std::vector<double> joined;
      for (int rank = 0; rank < ranks; ++rank) {
        const std::vector<double> share = opened->read_share({name}, rank, ranks)[0];
        joined.insert(joined.end(), share.begin(), share.end());
      }
      REQUIRE(joined.size() == whole.size());
      for (std::size_t i = 0; i < whole.size(); ++i)
        REQUIRE((joined[i] == whole[i] || (std::isnan(joined[i]) && std::isnan(whole[i]))));
    }
    return whole;
  }
};

}  // namespace

TEST_CASE("a column without a name at either end of a CSV file counts as one") {
  const Texts texts;
  // pandas writes its index so.
  for (const char separator : {',', ';', '\t'}) {
    INFO("separator: '" << separator << "'");
    const auto line = [&](const char* a, const char* b, const char* c) {
      return fmt::format("{1}{0}{2}{0}{3}\n", separator, a, b, c);
    };
    CHECK(texts.values(line("", "ra", "dec") + line("0", "5", "1005") + line("1", "6", "1006"), "dec") ==
          std::vector<double>{1005.0, 1006.0});
    CHECK(texts.values(line("ra", "dec", "") + line("5", "1005", "") + line("6", "1006", ""), "dec") ==
          std::vector<double>{1005.0, 1006.0});
  }
}

TEST_CASE("a CSV row of missing values is a row") {
  const Texts texts;
  for (const char separator : {',', ';', '\t'}) {
    INFO("separator: '" << separator << "'");
    const auto values = texts.values(fmt::format("a{0}b{0}c\n{0}{0}\n1{0}2{0}3\n{0}{0}\r\n", separator), "b");
    REQUIRE(values.size() == 3);
    CHECK(std::isnan(values[0]));
    CHECK(values[1] == 2.0);
    CHECK(std::isnan(values[2]));
  }
  // Also as the first one behind names in a comment.
  for (const char* row : {"nan NaN\n", "-- \"\"\n"}) {
    const std::string text = std::string("# ra dec\n") + row + "1 1001\n";
    CHECK(texts.names(text) == std::vector<std::string>{"ra", "dec"});
    const auto values = texts.values(text, "dec");
    REQUIRE(values.size() == 2);
    CHECK(std::isnan(values[0]));
    CHECK(values[1] == 1001.0);
  }
}

TEST_CASE("CSV lines may be far longer than any buffer, or much longer than the others") {
  const Texts texts;
  std::string names = "first", row = "1";
  for (int c = 1; c < 20000; ++c) {
    names += fmt::format(",column_{}", c);
    row += fmt::format(",{}", 1000 * c);
  }
  CHECK(texts.values(names + "\n" + row + "\n" + row, "column_19999") ==
        std::vector<double>{19999000.0, 19999000.0});
  // One line that begins in a rank's bytes and passes over those of many others.
  const std::string padded = std::string(1000000, ' ') + "7";
  CHECK(texts.values("a,b\n5,1\n" + padded + ",2\n8,3\n", "a") == std::vector<double>{5.0, 7.0, 8.0});
  CHECK(texts.values("a,b\n# " + padded + "\n5,1\n", "a") == std::vector<double>{5.0});
}

TEST_CASE("CSV values in quotes, with a sign or an exponent are numbers") {
  const Texts texts;
  CHECK(texts.values("name,a\n\"x, y\",\"1.5\"\n'z' , '-2E-1' \n\"\",+3.e+2\n,-0\n", "a") ==
        std::vector<double>{1.5, -0.2, 300.0, 0.0});
  CHECK(texts.values("name a\n\"x y\"  '+4'\n\t\"x\ty\"\t5 \n", "a") == std::vector<double>{4.0, 5.0});
  CHECK(std::isinf(texts.values("a\n1e999\n", "a").at(0)));
}

TEST_CASE("bytes that are no text are no CSV file") {
  const Texts texts;
  for (const std::string bytes : {"\x01\x02\xff\xfe\n", "ra,dec\n1,\x7f\x1b[2J\x02\n", "\x89PNG\r\n\x1a\n"}) {
    INFO("bytes: " << bytes.size());
    CHECK_THROWS_WITH(texts.table(bytes), Contains("neither FITS nor HDF5 nor text") && Contains("a.csv"));
  }
  CHECK(texts.values("\"\xCE\xB1\",\xCE\xB4\r\n1,2\r\n", "\xCE\xB4") == std::vector<double>{2.0});
}

TEST_CASE("an error of a CSV file shows text of the file only in part and on one line") {
  const Texts texts;
  const std::string word(5000, 'x');
  try {
    static_cast<void>(texts.table("a\n" + word + "\n")->read_share({"a"}, 0, 1));
    FAIL("no error");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.size() < 300);
    CHECK_THAT(message, Contains("line 2") && Contains("column 'a'") && Contains("xxxx"));
  }
}
