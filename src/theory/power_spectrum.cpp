#include "theory/power_spectrum.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace tessera::theory {
namespace {

// Far beyond any field, and such that products of powers are numbers.
constexpr double least_power = 1e-60, most_power = 1e60;

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
    if (c_ell_[i] < least_power || c_ell_[i] > most_power)
      fail(
          "spectrum '{}' has C_ell = {} at ell = {}, which is no power of a convergence: numbers would run "
          "over; mend the table",
          name_, c_ell_[i], ell_[i]);
    if (i > 0 && ell_[i] <= ell_[i - 1])
      fail("ell does not increase at row {} of spectrum '{}' ({} after {}); sort the table", i + 1, name_,
           ell_[i], ell_[i - 1]);
    log_ell_.push_back(std::log(ell_[i]));
    log_c_.push_back(std::log(c_ell_[i]));
  }
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
