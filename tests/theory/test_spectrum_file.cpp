#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "theory/spectrum_file.hpp"
#include "theory/text_files.hpp"

using namespace tessera;
using Catch::Contains;
using theory::read_spectrum;
using theory::SpectrumKind;
using Values = std::vector<double>;

namespace {

struct Files : test::TextFiles {
  using TextFiles::write;
  [[nodiscard]] std::string write(const std::string& text) const { return write(text, "cl.txt"); }

  [[nodiscard]] Values c_ell(const std::string& text, const theory::SpectrumChoice& choice = {}) const {
    return read_spectrum(write(text), choice).c_ell();
  }

  void refuses(const std::string& text, const theory::SpectrumChoice& choice,
               const std::vector<std::string>& names) const {
    const std::string path = write(text);
    for (const std::string& name : names) {
      INFO(text << " must be refused with " << name);
      CHECK_THROWS_WITH(read_spectrum(path, choice), Contains(name) && Contains(path));
    }
  }
};

Values from_d_ell(const Values& ell, Values d) {
  for (std::size_t i = 0; i < d.size(); ++i) d[i] *= 2.0 * std::numbers::pi / (ell[i] * (ell[i] + 1.0));
  return d;
}

void check_close(const Values& values, const Values& expected) {
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == Approx(expected[i]).epsilon(1e-12));
}

const std::string tomographic =
    "# made for a test\n# ell 11 12 22\n0 0 0 0\n2 4e-9 5e-9 6e-9\n9 1e-9 2e-9 3e-9\n";
const std::string camb =
    "#    L   TxT   TxW1   PxP   W1xW1   W1xW2   W2xW2\n2 9 8 7 1e-3 2e-3 3e-3\n7 6 5 4 4e-3 5e-3 6e-3\n";

}  // namespace

TEST_CASE("two columns are ell and C_ell, with any header or none") {
  const Files files;
  const auto spectrum = read_spectrum(files.write("0 1\n2.5 3e-9\n7 2e-9  # the last\n"));
  CHECK(spectrum.ell() == Values{2.5, 7.0});
  CHECK(spectrum.c_ell() == Values{3e-9, 2e-9});
  CHECK(files.c_ell("# ell  C_ell(kappa kappa): theory, by hand\n2 3e-9\n7 2e-9\n") == Values{3e-9, 2e-9});
  CHECK(files.c_ell("ell, C_ell\r\n2 3e-9\r\n7 2e-9\r\n") == Values{3e-9, 2e-9});
  const auto swapped = read_spectrum(files.write("# kk ell\n3e-9 2\n2e-9 7\n"));
  CHECK(swapped.ell() == Values{2.0, 7.0});
  CHECK(swapped.c_ell() == Values{3e-9, 2e-9});
}

TEST_CASE("a column is chosen by its name or its number") {
  const Files files;
  CHECK(files.c_ell(tomographic, {"12"}) == Values{5e-9, 2e-9});
  CHECK(files.c_ell(tomographic, {"4"}) == Values{6e-9, 3e-9});
  CHECK(files.c_ell("2 1e-9 2e-9\n7 3e-9 4e-9\n", {"3"}) == Values{2e-9, 4e-9});
  CHECK(files.c_ell("# L kk KK\n2 1e-9 2e-9\n7 3e-9 4e-9\n", {"KK"}) == Values{2e-9, 4e-9});
  CHECK(files.c_ell("# L kk gk\n2 1e-9 2e-9\n7 3e-9 4e-9\n", {"GK"}) == Values{2e-9, 4e-9});
}

TEST_CASE("a choice that is none is refused with what can be typed") {
  const Files files;
  files.refuses(tomographic, {}, {"--spectrum-column", "11, 12, 22"});
  files.refuses(tomographic, {"33"}, {"33", "11, 12, 22"});
  files.refuses(tomographic, {"ell"}, {"11, 12, 22"});
  files.refuses("2 1 1\n7 1 1\n", {}, {"3 columns", "--spectrum-column", "2, 3"});
  for (const char* column : {"0", "1", "4", "-2", "C_ell", "2x"})
    files.refuses("2 1 1\n7 1 1\n", {column}, {std::string("--spectrum-column ") + column, "2, 3"});
  files.refuses("# ell kk kk\n2 1 1\n7 1 1\n", {"kk"}, {"2 columns", "number:2"});
  files.refuses("# ell l kk\n2 1 1\n7 1 1\n", {}, {"more than once"});
}

TEST_CASE("a word that is a name and another column's number is refused until it says which") {
  const Files files;
  const std::string text = "# ell 4 3 2\n2 1e-9 2e-9 3e-9\n7 4e-9 5e-9 6e-9\n";
  files.refuses(text, {"4"}, {"name:4", "number:4"});
  CHECK(files.c_ell(text, {"name:4"}) == Values{1e-9, 4e-9});
  CHECK(files.c_ell(text, {"number:4"}) == Values{3e-9, 6e-9});
  CHECK(files.c_ell(text, {"3"}) == Values{2e-9, 5e-9});  // both mean the third
}

TEST_CASE("D_ell is turned into C_ell where its name or the user says so") {
  const Files files;
  const Values expected = from_d_ell({2.0, 7.0}, {3e-9, 2e-9});
  const std::string rows = "2 3e-9\n7 2e-9\n";
  check_close(expected, {std::numbers::pi * 1e-9, 2.0 * std::numbers::pi * 2e-9 / 56.0});
  for (const char* name : {"D_ell", "dl", "Dl_11", "ell(ell+1)C_ell/2pi", "l*(l+1)*Cl/(2*pi)"})
    check_close(files.c_ell("# ell " + std::string(name) + "\n" + rows), expected);
  check_close(files.c_ell(rows, {"", SpectrumKind::d_ell}), expected);
  CHECK(files.c_ell("# ell D_ell\n" + rows, {"", SpectrumKind::c_ell}) == Values{3e-9, 2e-9});
  CHECK(files.c_ell("# D_ell = ell(ell+1)C_ell/2pi is not here\n# ell C_ell\n" + rows) == Values{3e-9, 2e-9});
}

TEST_CASE("a normalisation that is not clear is refused") {
  const Files files;
  const std::string rows = "2 3e-9\n7 2e-9\n";
  for (const char* header :
       {"# l(l+1)C_l/2pi of kappa\n", "# D_ell, by hand\n", "# ell  l^2Cl/2pi\n", "# ell (ell + 1) C\n",
        "# ell l(l+1)Cl\n", "# ell C_ell*ell(ell+1)\n", "# divided by 2 pi\n"})
    files.refuses(header + rows, {}, {"--spectrum-kind cl", "--spectrum-kind dl"});
  CHECK(files.c_ell("# l(l+1)C_l/2pi was here\n" + rows, {"", SpectrumKind::c_ell}) == Values{3e-9, 2e-9});
}

TEST_CASE("CAMB's sources: a window's column and its normalisation are asked for, CMB columns refused") {
  const Files files;
  files.refuses(camb, {}, {"W1xW1, W1xW2, W2xW2", "--spectrum-column"});
  files.refuses(camb, {"W2xW2"}, {"W2xW2", "raw_cl", "--spectrum-kind"});
  check_close(files.c_ell(camb, {"W2xW2", SpectrumKind::d_ell}), from_d_ell({2.0, 7.0}, {3e-3, 6e-3}));
  CHECK(files.c_ell(camb, {"W1xW2", SpectrumKind::c_ell}) == Values{2e-3, 5e-3});
  for (const char* name : {"TxT", "PxP", "TxW1", "txw1"})
    files.refuses(camb, {name, SpectrumKind::d_ell}, {"CMB"});
  const std::string power = "#  L TT EE BB TE PP PT PE\n2 1 1 1 1 1 1 1\n3 1 1 1 1 1 1 1\n";
  files.refuses(power, {}, {"CMB", "W1xW1"});
  files.refuses(power, {"EE"}, {"CMB"});
  CHECK(files.c_ell("# L EE\n2 3e-9\n7 2e-9\n") == Values{3e-9, 2e-9});  // the E mode of shear
}

TEST_CASE("a section of CosmoSIS is a folder of columns") {
  const Files files;
  static_cast<void>(files.write("# ell\n1\n30\n900\n", "shear_cl/ell.txt"));
  const std::string folder = files.path("shear_cl");
  CHECK_THROWS_WITH(read_spectrum(folder), Contains("bin_*.txt") && Contains(folder));
  static_cast<void>(files.write("# bin_1_1\n3e-9\n2e-9\n1e-9\n", "shear_cl/bin_1_1.txt"));
  static_cast<void>(files.write("nbin = 1\n", "shear_cl/values.txt"));
  CHECK(read_spectrum(folder).ell() == Values{1.0, 30.0, 900.0});
  CHECK(read_spectrum(folder).c_ell() == Values{3e-9, 2e-9, 1e-9});
  const auto other = files.write("6e-9\n5e-9\n4e-9\n", "shear_cl/bin_2_1.txt");
  CHECK_THROWS_WITH(read_spectrum(folder), Contains("bin_1_1, bin_2_1") && Contains("--spectrum-column"));
  CHECK(read_spectrum(folder, {"bin_2_1"}).c_ell() == Values{6e-9, 5e-9, 4e-9});
  CHECK_THROWS_WITH(read_spectrum(folder, {"2"}), Contains("bin_1_1, bin_2_1"));  // a folder has no order
  static_cast<void>(files.write("6e-9\n5e-9\n", "shear_cl/bin_2_1.txt"));
  CHECK_THROWS_WITH(read_spectrum(folder, {"bin_1_1"}), Contains("bin_2_1.txt") && Contains("2 values"));
  static_cast<void>(files.write("1 6e-9\n2 5e-9\n", "shear_cl/bin_2_1.txt"));
  CHECK_THROWS_WITH(read_spectrum(folder, {"bin_1_1"}), Contains(other) && Contains("2 columns"));
  std::filesystem::remove(other);
  std::filesystem::remove(folder + "/ell.txt");
  CHECK_THROWS_WITH(read_spectrum(folder), Contains("ell.txt"));
}

TEST_CASE("a file that is no table is refused") {
  const Files files;
  CHECK_THROWS_WITH(read_spectrum(files.path("none.txt")), Contains("none.txt"));
  files.refuses("", {}, {"no row"});
  files.refuses("# ell C_ell\n", {}, {"no row"});
  files.refuses("1\n2\n", {}, {"one column"});
  files.refuses("2 1e-9\n3 many\n", {}, {"line 2", "'many'"});
  files.refuses("2 1e-9\n3 1e-9 4\n", {}, {"line 2", "3 columns"});
  files.refuses("multipoles power\n3 1e-9\n", {}, {"line 1", "'multipoles'"});
  files.refuses("2 1e-9\n3 -1e-9\n", {}, {"positive"});
}

TEST_CASE("the tables of data/ are read as they are and cover every grid") {
  const char* const source = std::getenv("TESSERA_SOURCE");
  if (source == nullptr) {
    WARN("skipped: TESSERA_SOURCE is not set");
    return;
  }
  for (const char* name : {"cosmos", "desy3", "euclid"}) {
    const auto spectrum = read_spectrum(std::string(source) + "/data/cl_" + name + "_like.txt");
    CHECK_NOTHROW(spectrum.require_coverage(2.0, 2e5));
    CHECK(spectrum(1000.0) > 5e-11);  // steradian; D_ell would be 1e-5
    CHECK(spectrum(1000.0) < 1e-9);
  }
}
