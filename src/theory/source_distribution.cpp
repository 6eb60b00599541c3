#include "theory/source_distribution.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.hpp"
#include "core/log.hpp"
#include "theory/text_table.hpp"

namespace tessera::theory {
namespace {

const TableKind& redshift_table() {
  static const TableKind kind{"source distribution",
                              "lines 'z n(z)'",
                              "z",
                              {"z", "redshift", "z_low", "zlow", "z_mid", "zmid"},
                              "--nz-column"};
  return kind;
}

/// The columns of a file that give redshifts; n is in one of the others.
struct RedshiftColumns {
  std::optional<std::size_t> low, middle, high;

  explicit RedshiftColumns(const TextTable& table)
      : low(find(table, {"z_low", "zlow"})),
        middle(find(table, {"z_mid", "zmid", "z", "redshift"})),
        high(find(table, {"z_high", "zhigh"})) {
    if (!middle && !low) middle = 0;
    if (!middle && !high)
      fail(
          "source distribution '{}' gives the lower edges of its bins only, and taken as redshifts these are "
          "half a bin too low; add a column Z_MID or Z_HIGH",
          table.path);
  }

  [[nodiscard]] std::vector<double> redshifts(const TextTable& table) const {
    if (middle) return table.columns[*middle];
    std::vector<double> z = table.columns[*low];
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = 0.5 * (z[i] + table.columns[*high][i]);
    return z;
  }

  [[nodiscard]] std::vector<std::size_t> others(const TextTable& table) const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      if (i != low && i != middle && i != high) result.push_back(i);
    return result;
  }

 private:
  static std::optional<std::size_t> find(const TextTable& table, const std::vector<std::string>& spellings) {
    for (const std::string& name : spellings)
      if (const std::size_t i = find_name(table, name); i < table.names.size()) return i;
    return std::nullopt;
  }
};

constexpr double last_scattering = 1200.0;

void require_valid(const std::vector<double>& z, const std::vector<double>& n, const std::string& name) {
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (!std::isfinite(z[i]) || !std::isfinite(n[i]))
      fail("source distribution '{}' is not finite in row {} (z = {}, n = {}); mend the table", name, i + 1,
           z[i], n[i]);
    if (z[i] < 0.0)
      fail(
          "source distribution '{}' has z = {} in row {}, and no source has a negative redshift; mend the "
          "table",
          name, z[i], i + 1);
    if (z[i] > last_scattering)
      fail(
          "source distribution '{}' has z = {} in row {}, and light is from redshifts up to {}; mend the "
          "table",
          name, z[i], i + 1, last_scattering);
    if (n[i] < 0.0)
      fail(
          "source distribution '{}' has n = {} at z = {}, and a number of galaxies is not negative; set such "
          "values to 0",
          name, n[i], z[i]);
    if (i > 0 && z[i] <= z[i - 1])
      fail("z does not increase at row {} of source distribution '{}' ({} after {}); sort the table", i + 1,
           name, z[i], z[i - 1]);
  }
}

/// Photometric estimates dip below zero where they hold nothing; that much is noise.
void clip_dips(std::vector<double>& n, const std::string& name) {
  constexpr double share = 0.01;
  if (n.empty()) return;
  const double allowed = -share * *std::max_element(n.begin(), n.end());
  const double lowest = *std::min_element(n.begin(), n.end());
  if (!(lowest < 0.0 && lowest >= allowed)) return;
  for (double& value : n) value = value < 0.0 ? 0.0 : value;
  log::warn("source distribution '{}' dips to n = {:.3g}; negative values are taken as 0", name, lowest);
}

}  // namespace

SourceDistribution::SourceDistribution(std::vector<double> z, std::vector<double> n, std::string name)
    : z_(std::move(z)), n_(std::move(n)), name_(std::move(name)) {
  TESSERA_REQUIRE(z_.size() == n_.size());
  if (z_.size() < 2) fail("source distribution '{}' has {} rows; at least 2 are needed", name_, z_.size());
  clip_dips(n_, name_);
  require_valid(z_, n_, name_);
  double integral = 0.0;
  for (std::size_t i = 1; i < z_.size(); ++i) integral += 0.5 * (z_[i] - z_[i - 1]) * (n_[i] + n_[i - 1]);
  if (integral <= 0.0 || !std::isfinite(1.0 / integral) || !std::isfinite(integral))
    fail(
        "source distribution '{}' has the integral {}, so it cannot be normalised; give numbers of galaxies "
        "or a density",
        name_, integral);
  for (double& value : n_) value /= integral;
}

SourceDistribution SourceDistribution::read(const std::string& path, const std::string& column) {
  const TextTable table = read_text_table(path, redshift_table());
  const RedshiftColumns redshifts(table);
  const auto possible = redshifts.others(table);
  if (possible.empty())
    fail("source distribution '{}' has no column besides the redshifts; give {}", path,
         redshift_table().layout);
  const std::size_t chosen = choose_column(table, redshift_table(), possible, column);
  return {redshifts.redshifts(table), table.columns[chosen], path};
}

SourceDistribution SourceDistribution::smail(double z0, double alpha, double beta) {
  const std::string name = fmt::format("z^{} exp(-(z/{})^{})", alpha, z0, beta);
  if (!(z0 > 0.0 && alpha >= 0.0 && beta > 0.0 && std::isfinite(z0 + alpha + beta)))
    fail("{} is no distribution of redshifts; give z0 > 0, alpha >= 0, beta > 0", name);
  constexpr std::size_t points = 2000;
  // (z/z0)^beta where n is largest, and where it is gone.
  const double peak = alpha / beta, last = peak + 40.0 + 10.0 * std::sqrt(peak);
  // Even steps in z, or, where beta < 2 makes a long tail, in a root of it.
  const double power = std::max(1.0, 2.0 / beta);
  std::vector<double> z, n;
  for (std::size_t i = 0; i < points; ++i) {
    const double u = std::pow(last, 1.0 / beta) * std::pow(static_cast<double>(i) / (points - 1), power);
    const double growth = alpha > 0.0 ? alpha * std::log(u) : 0.0;
    const double at_peak = peak > 0.0 ? peak * std::log(peak) - peak : 0.0;  // keeps exp in range
    z.push_back(z0 * u);
    n.push_back(std::exp(growth - std::pow(u, beta) - at_peak));
  }
  return {std::move(z), std::move(n), name};
}

double SourceDistribution::operator()(double z) const {
  if (z < z_.front() || z > z_.back()) return 0.0;
  const auto above = std::upper_bound(z_.begin() + 1, z_.end() - 1, z);
  const auto i = static_cast<std::size_t>(above - z_.begin());
  const double t = (z - z_[i - 1]) / (z_[i] - z_[i - 1]);
  return n_[i - 1] + t * (n_[i] - n_[i - 1]);
}

double SourceDistribution::mean() const {
  double sum = 0.0;
  for (std::size_t i = 1; i < z_.size(); ++i)  // exact for n linear between its points
    sum += (z_[i] - z_[i - 1]) / 6.0 *
           (z_[i - 1] * (2.0 * n_[i - 1] + n_[i]) + z_[i] * (n_[i - 1] + 2.0 * n_[i]));
  return sum;
}

}  // namespace tessera::theory
