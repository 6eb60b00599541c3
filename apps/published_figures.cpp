#include "apps/published_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::apps {
namespace {

constexpr std::array<const char*, 6> quantities = {"rms", "skewness",    "kurtosis",
                                                   "s3",  "percentiles", "peaks_above"};

PublishedFigure read_figure(const std::string& path, const std::string& line) {
  PublishedFigure figure{};
  std::string error;
  std::istringstream words(line);
  words >> figure.quantity >> figure.smoothing >> figure.scale >> figure.level >> figure.value >> error;
  std::getline(words >> std::ws, figure.source);
  const bool known =
      std::find(quantities.begin(), quantities.end(), figure.quantity) != quantities.end() &&
      (figure.smoothing == "gaussian" || (figure.smoothing == "top-hat" && figure.quantity != "peaks_above" &&
                                          figure.quantity != "percentiles" && figure.scale > 0.0));
  if (figure.source.empty() || !known || !(figure.scale >= 0.0 && figure.scale < 1e4) ||
      !std::isfinite(figure.value))
    fail(
        "'{}' has the line '{}' and must have 'quantity gaussian|top-hat arcmin level value error source', "
        "quantity one of {} (the last two gaussian only)",
        path, excerpt(line), fmt::join(quantities, ", "));
  figure.error = std::numeric_limits<double>::quiet_NaN();
  if (error != "-") std::istringstream(error) >> figure.error;
  return figure;
}

}  // namespace

std::vector<PublishedFigure> read_published(const std::string& path) {
  refuse_streams(path, "the table of published figures");
  std::ifstream file(path);
  if (!file) fail("cannot read the published figures '{}'; check --published", path);
  std::vector<PublishedFigure> figures;
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") != std::string::npos) figures.push_back(read_figure(path, line));
  }
  require_whole(file, path);
  if (figures.empty()) fail("'{}' has no published figure; check --published", path);
  return figures;
}

}  // namespace tessera::apps
