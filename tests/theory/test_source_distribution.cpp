#include <cmath>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "theory/source_distribution.hpp"
#include "theory/text_files.hpp"

using namespace tessera;
using Catch::Contains;
using theory::SourceDistribution;
using Values = std::vector<double>;

namespace {

struct Files : test::TextFiles {
  using TextFiles::write;
  [[nodiscard]] std::string write(const std::string& text) const { return write(text, "nz.txt"); }

  void refuses(const std::string& text, const std::string& column, const std::string& name) const {
    INFO(text << " must be refused with " << name);
    const std::string path = write(text);
    CHECK_THROWS_WITH(SourceDistribution::read(path, column), Contains(name) && Contains(path));
  }
};

void check_close(const Values& values, const Values& expected) {
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == Approx(expected[i]));
}

}  // namespace

TEST_CASE("n(z) has unit integral, is linear between its points and zero outside") {
  const SourceDistribution triangle({0.2, 0.5, 1.1}, {0.0, 6.0, 0.0}, "triangle");
  check_close(triangle.n(), {0.0, 2.0 / 0.9, 0.0});
  CHECK(triangle(0.35) == Approx(1.0 / 0.9));
  CHECK(triangle(0.8) == Approx(1.0 / 0.9));
  CHECK(triangle(1.1) == 0.0);
  CHECK(triangle(0.19) == 0.0);
  CHECK(triangle(1.2) == 0.0);
  CHECK(triangle.mean() == Approx((0.2 + 0.5 + 1.1) / 3.0));
  CHECK(triangle.min_z() == 0.2);
  CHECK(triangle.max_z() == 1.1);
  const SourceDistribution box({0.4, 0.6}, {3.0, 3.0}, "box");
  CHECK(box(0.4) == Approx(5.0));
  CHECK(box(0.6) == Approx(5.0));
}

TEST_CASE("the closed form has its moments") {
  const auto [z0, alpha, beta] = GENERATE(table<double, double, double>({{0.92, 2.0, 1.5},
                                                                         {0.64, 2.0, 1.5},
                                                                         {0.3, 1.34, 1.26},
                                                                         {0.98, 4.94, 12.0},
                                                                         {0.5, 0.0, 1.0},
                                                                         {0.1, 1.0, 0.5}}));
  const auto sources = SourceDistribution::smail(z0, alpha, beta);
  CAPTURE(z0, alpha, beta);
  CHECK(sources.mean() ==
        Approx(z0 * std::tgamma((alpha + 2.0) / beta) / std::tgamma((alpha + 1.0) / beta)).epsilon(1e-4));
  const double norm = beta / (z0 * std::tgamma((alpha + 1.0) / beta));
  for (const double u : {0.3, 0.8, 1.1})
    CHECK(sources(u * z0) == Approx(norm * std::pow(u, alpha) * std::exp(-std::pow(u, beta))).epsilon(1e-3));
}

TEST_CASE("a closed form without an integral is refused") {
  CHECK_THROWS_WITH(SourceDistribution::smail(0.0, 2.0, 1.5), Contains("give z0 > 0"));
  CHECK_THROWS_WITH(SourceDistribution::smail(0.9, -0.1, 1.5), Contains("give z0 > 0"));
  CHECK_THROWS_WITH(SourceDistribution::smail(0.9, 2.0, 0.0), Contains("give z0 > 0"));
  CHECK_THROWS_WITH(SourceDistribution::smail(NAN, 2.0, 1.5), Contains("give z0 > 0"));
  CHECK_THROWS_WITH(SourceDistribution::smail(0.9, INFINITY, 1.5), Contains("give z0 > 0"));
}

TEST_CASE("n(z) of text files") {
  const Files files;
  check_close(SourceDistribution::read(files.write("0 1\n0.5 1\n")).n(), {2.0, 2.0});
  const auto path = files.write("# z n1 n2\n0 1 0\n0.5 1 2\n");
  check_close(SourceDistribution::read(path, "n2").n(), {0.0, 4.0});
  check_close(SourceDistribution::read(path, "2").n(), {2.0, 2.0});
  CHECK_THROWS_WITH(SourceDistribution::read(path), Contains("--nz-column") && Contains("n1, n2"));
  CHECK_THROWS_WITH(SourceDistribution::read(path, "n3"), Contains("n3") && Contains("n1, n2"));
}

TEST_CASE("n(z) of histograms stands in the middle of their bins") {
  const Files files;
  const std::string rows = "0.1 0.15 0.2 1 9\n0.2 0.25 0.3 1 0\n";
  const auto path = files.write("Z_LOW Z_MID Z_HIGH BIN1 BIN2\n" + rows);
  CHECK(SourceDistribution::read(path, "BIN1").z() == Values{0.15, 0.25});
  check_close(SourceDistribution::read(path, "BIN2").n(), {20.0, 0.0});
  CHECK_THROWS_WITH(SourceDistribution::read(path), Contains("BIN1, BIN2"));
  CHECK_THROWS_WITH(SourceDistribution::read(path, "Z_HIGH"), Contains("BIN1, BIN2"));
  const auto edges = SourceDistribution::read(files.write("# z_low z_high n\n0.1 0.2 1\n0.2 0.4 1\n"));
  check_close(edges.z(), {0.15, 0.3});
  check_close(edges.n(), {1.0 / 0.15, 1.0 / 0.15});
  files.refuses("# z_low n\n0.1 1\n0.2 1\n", "", "lower edges");
  files.refuses("# z_low z_high\n0.1 0.2\n0.2 0.3\n", "", "no column");
}

TEST_CASE("n(z) of a section of CosmoSIS") {
  const Files files;
  static_cast<void>(files.write("# z\n0\n0.5\n", "nz_source/z.txt"));
  static_cast<void>(files.write("# bin_1\n1\n1\n", "nz_source/bin_1.txt"));
  const std::string folder = files.path("nz_source");
  check_close(SourceDistribution::read(folder).n(), {2.0, 2.0});
  static_cast<void>(files.write("# bin_2\n0\n2\n", "nz_source/bin_2.txt"));
  CHECK_THROWS_WITH(SourceDistribution::read(folder), Contains("bin_1, bin_2"));
  check_close(SourceDistribution::read(folder, "bin_2").n(), {0.0, 4.0});
}

TEST_CASE("dips of photometric estimates below zero are taken as zero") {
  const SourceDistribution sources({0.1, 0.2, 0.3, 0.4}, {0.0, 1.0, 1.0, -0.005}, "dip");
  CHECK(sources.n().back() == 0.0);
  CHECK(sources(0.25) == Approx(1.0 / 0.2));
  CHECK_THROWS_WITH(SourceDistribution({0.1, 0.2, 0.3, 0.4}, {0.0, 1.0, 1.0, -0.02}, "hole"),
                    Contains("n = -0.02"));
}

TEST_CASE("what is no n(z) is refused") {
  const Files files;
  files.refuses("0.1 1\n", "", "at least 2");
  files.refuses("0.1 1\n0.2 nan\n", "", "not finite");
  files.refuses("0.1 1\ninf 1\n", "", "not finite");
  files.refuses("-0.1 1\n0.2 1\n", "", "negative redshift");
  files.refuses("0.1 1\n0.2 -0.1\n", "", "set such values to 0");
  files.refuses("0.1 1\n0.1 1\n", "", "does not increase");
  files.refuses("0.1 0\n0.2 0\n", "", "integral");
  files.refuses("0.1 1\n0.2 none\n", "", "'none'");
  files.refuses("0.1\n0.2\n", "", "one column");
}

TEST_CASE("the redshifts of data/ are the closed forms of their spectra") {
  const char* const source = std::getenv("TESSERA_SOURCE");
  if (source == nullptr) {
    WARN("skipped: TESSERA_SOURCE is not set");
    return;
  }
  const auto read = [&](const std::string& name) {
    return SourceDistribution::read(std::string(source) + "/data/nz_" + name + "_like.txt");
  };
  const auto same = [](const SourceDistribution& a, const SourceDistribution& b) {
    for (const double z : {0.2, 0.7, 1.5}) CHECK(a(z) == Approx(b(z)).epsilon(1e-3));
    CHECK(a.mean() == Approx(b.mean()).epsilon(1e-3));
  };
  same(read("cosmos"), SourceDistribution::smail(0.92, 2.0, 1.5));
  same(read("euclid"), SourceDistribution::smail(0.9 / std::sqrt(2.0), 2.0, 1.5));
  CHECK(read("desy3").mean() == Approx(0.63).epsilon(0.01));
}
