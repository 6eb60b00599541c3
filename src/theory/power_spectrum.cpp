#include "theory/power_spectrum.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.hpp"

namespace tessera::theory {
namespace {

std::vector<double> parse_row(const std::string& line, const std::string& path, std::size_t line_number) {
  std::vector<double> row;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    double value = 0.0;
    const char* const end = word.data() + word.size();
    const auto [stop, problem] = std::from_chars(word.data(), end, value);
    if (problem != std::errc() || stop != end)
      fail("line {} of spectrum '{}' holds '{}' where a number is expected; give lines 'ell C_ell'",
           line_number, path, word);
    row.push_back(value);
  }
  return row;
}

std::size_t chosen_column(const std::string& path, int column, std::size_t columns) {
  if (columns < 2) fail("spectrum '{}' has one column; give lines 'ell C_ell'", path);
  if (column == 0 && columns > 2)
    fail(
        "spectrum '{}' has {} columns and it is not clear which one is C_ell; choose with --spectrum-column "
        "(ell is column 1)",
        path, columns);
  const std::size_t chosen = column == 0 ? 2 : static_cast<std::size_t>(column);
  if (chosen < 2 || chosen > columns)
    fail("--spectrum-column {} is not one of columns 2 to {} of '{}'", column, columns, path);
  return chosen - 1;
}

}  // namespace

PowerSpectrum::PowerSpectrum(std::vector<double> ell, std::vector<double> c_ell, std::string name)
    : ell_(std::move(ell)), c_ell_(std::move(c_ell)), name_(std::move(name)) {
  TESSERA_REQUIRE(ell_.size() == c_ell_.size());
  if (ell_.size() < 2) fail("spectrum '{}' has {} usable rows; at least 2 are needed", name_, ell_.size());
  for (std::size_t i = 0; i < ell_.size(); ++i) {
    if (!std::isfinite(ell_[i]) || !std::isfinite(c_ell_[i]))
      fail("spectrum '{}' is not finite in row {} (ell = {}, C_ell = {}); mend the table", name_, i + 1,
           ell_[i], c_ell_[i]);
    if (c_ell_[i] <= 0.0)
      fail("spectrum '{}' has C_ell = {} at ell = {}, and the power of a field is positive; mend the table",
           name_, c_ell_[i], ell_[i]);
    if (i > 0 && ell_[i] <= ell_[i - 1])
      fail("ell does not increase at row {} of spectrum '{}' ({} after {}); sort the table", i + 1, name_,
           ell_[i], ell_[i - 1]);
    log_ell_.push_back(std::log(ell_[i]));
    log_c_.push_back(std::log(c_ell_[i]));
  }
}

PowerSpectrum PowerSpectrum::read(const std::string& path, int column) {
  if (std::filesystem::is_directory(path)) fail("spectrum '{}' is a folder; give a text file", path);
  std::ifstream file(path);
  if (!file)
    fail("cannot read spectrum '{}' ({}); give a text file with lines 'ell C_ell'", path,
         std::strerror(errno));
  std::vector<double> ell, c_ell;
  std::size_t line_number = 0, columns = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    line.resize(std::min(line.size(), line.find('#')));
    const std::vector<double> row = parse_row(line, path, line_number);
    if (row.empty()) continue;
    if (columns == 0) columns = row.size();
    if (row.size() != columns)
      fail("line {} of spectrum '{}' has {} columns where {} are expected", line_number, path, row.size(),
           columns);
    const std::size_t chosen = chosen_column(path, column, columns);
    if (row[0] <= 0.0) continue;
    ell.push_back(row[0]);
    c_ell.push_back(row[chosen]);
  }
  return {std::move(ell), std::move(c_ell), path};
}

double PowerSpectrum::operator()(double ell) const {
  if (ell == 0.0) return 0.0;
  const double x = std::log(ell);
  const auto above = std::upper_bound(log_ell_.begin() + 1, log_ell_.end() - 1, x);
  const auto i = static_cast<std::size_t>(above - log_ell_.begin());
  const double t = (x - log_ell_[i - 1]) / (log_ell_[i] - log_ell_[i - 1]);
  return std::exp(log_c_[i - 1] + t * (log_c_[i] - log_c_[i - 1]));
}

void PowerSpectrum::require_coverage(double min, double max) const {
  if (min >= ell_.front() && max <= ell_.back()) return;
  fail(
      "spectrum '{}' covers ell = {:.4g} to {:.4g}, and the grid holds ell = {:.4g} to {:.4g}; give a wider "
      "table, "
      "larger pixels or a smaller field",
      name_, ell_.front(), ell_.back(), min, max);
}

}  // namespace tessera::theory
