#include "network/model_card.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::network {
namespace {

constexpr const char* score_columns =
    "density surveys rmse rmse_error ratio ratio_error ks_ratio ks_ratio_error r_wiener r r_gain_error power "
    "power_wiener within_1 within_2 z_deviation";

std::vector<double> score_values(const HeldOutScore& s) {
  return {s.density,      s.surveys,        s.rmse,     s.rmse_error, s.ratio,        s.ratio_error,
          s.ks_ratio,     s.ks_ratio_error, s.r_wiener, s.r,          s.r_gain_error, s.power,
          s.power_wiener, s.within_1,       s.within_2, s.z_deviation};
}

HeldOutScore score_of(const std::vector<double>& v) {
  return {v[0], v[1], v[2],  v[3],  v[4],  v[5],  v[6],  v[7],
          v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15]};
}

constexpr const char* calibration_columns =
    "density_low density_high surveys samples z_deviation z_error spread spread_error ratio ratio_error "
    "power_lowest power_highest";

std::vector<double> calibration_values(const CalibrationScore& c) {
  return {c.density_low, c.density_high, c.surveys, c.samples,     c.z_deviation,  c.z_error,
          c.spread,      c.spread_error, c.ratio,   c.ratio_error, c.power_lowest, c.power_highest};
}

CalibrationScore calibration_of(const std::vector<double>& v) {
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]};
}

/// The lines of a card by name; `score` comes several times.
class Lines {
 public:
  Lines(const std::string& text, std::string path) : path_(std::move(path)) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || line[0] == '#') continue;
      const auto equals = line.find(" = ");
      if (equals == std::string::npos)
        fail("{}: its model card has the line '{}', which is not 'name = value'", path_, excerpt(line));
      lines_.emplace(line.substr(0, equals), line.substr(equals + 3));
    }
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = lines_.find(name);
    if (found == lines_.end())
      fail("{}: its model card has no line '{}', so what the model is good for is not known", path_, name);
    return found->second;
  }

  [[nodiscard]] std::vector<double> numbers(const std::string& name, const std::string& value) const {
    std::vector<double> values;
    std::istringstream in(value);
    for (std::string word; in >> word;) {
      char* end = nullptr;
      values.push_back(std::strtod(word.c_str(), &end));
      if (*end != '\0' || !std::isfinite(values.back()))
        fail("{}: its model card says {} = {}, where numbers are expected", path_, name, value);
    }
    return values;
  }

  [[nodiscard]] std::vector<double> numbers(const std::string& name) const {
    return numbers(name, text(name));
  }

  [[nodiscard]] double number(const std::string& name, double min, double max) const {
    const auto values = numbers(name);
    if (values.size() != 1 || values[0] < min || values[0] > max)
      fail("{}: its model card says {} = {}; one number from {} to {} is expected", path_, name, text(name),
           min, max);
    return values[0];
  }

  [[nodiscard]] std::int64_t count(const std::string& name, std::int64_t max) const {
    return std::llround(number(name, 1.0, static_cast<double>(max)));
  }

  [[nodiscard]] std::vector<NoiseLevel> levels(std::size_t bands) const {
    std::vector<NoiseLevel> levels;
    const auto [begin, end] = lines_.equal_range("level");
    for (auto line = begin; line != end; ++line) {
      const auto values = numbers("level", line->second);
      if (values.size() != 3 + bands || !(values[0] > (levels.empty() ? 0.0 : levels.back().sigma)))
        fail("{}: its model card says level = {}, where a larger sigma and {} columns are expected", path_,
             line->second, 3 + bands);
      levels.push_back({values[0], values[1], values[2], {values.begin() + 3, values.end()}, {}, {}});
    }
    if (levels.size() < 2) fail("{}: its model card has fewer than two lines 'level'", path_);
    return levels;
  }

  [[nodiscard]] bool has(const std::string& name) const { return lines_.contains(name); }

  /// All lines `name` as rows of so many columns.
  [[nodiscard]] std::vector<std::vector<double>> rows(const std::string& name, std::size_t columns) const {
    std::vector<std::vector<double>> rows;
    const auto [begin, end] = lines_.equal_range(name);
    for (auto line = begin; line != end; ++line) {
      rows.push_back(numbers(name, line->second));
      if (rows.back().size() != columns)
        fail("{}: a line '{}' of its model card has {} columns, not {}", path_, name, rows.back().size(),
             columns);
    }
    return rows;
  }

 private:
  std::string path_;
  std::multimap<std::string, std::string> lines_;
};

/// Place of x among nodes whose key increases: the node below and the share of the one above, within the
/// ends.
struct Place {
  std::size_t below;
  double share;
};
template <class Node, class Key>
Place place(const std::vector<Node>& nodes, double x, Key key) {
  if (nodes.size() < 2 || x <= key(nodes.front())) return {0, 0.0};
  const auto above = std::upper_bound(nodes.begin(), nodes.end() - 1, x,
                                      [&](double value, const Node& node) { return value < key(node); });
  const auto below = static_cast<std::size_t>(above - nodes.begin()) - 1;
  const double low = key(nodes[below]), high = key(nodes[below + 1]);
  return {below, std::min(1.0, std::log(x / low) / std::log(high / low))};
}

/// What `value` gives for the levels, at sigma.
template <class Value>
double between_levels(const std::vector<NoiseLevel>& levels, double sigma, Value value) {
  const Place level = place(levels, sigma, [](const NoiseLevel& node) { return node.sigma; });
  const double above = level.share > 0.0 ? level.share * value(levels[level.below + 1]) : 0.0;
  return (1.0 - level.share) * value(levels[level.below]) + above;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string ModelCard::text() const {
  std::string out = fmt::format("kind = {}\nversion = {}\nskies = {}\ncommand = {}\n", one_line(kind),
                                one_line(version), one_line(skies), one_line(command));
  if (lmax > 0) out += fmt::format("# on the sphere; pixels are HEALPix's\nlmax = {}\n", lmax);
  out += fmt::format("pixel_arcmin = {}\nnoise_low = {}\nnoise_high = {}\n", pixel_arcmin, noise_low,
                     noise_high);
  out += fmt::format("inputs = {}\noutputs = {}\nalignment = {}\nreceptive_radius = {}\n", inputs, outputs,
                     alignment, receptive_radius);
  out += fmt::format("ell = {:.6g}\nc_ell = {:.6g}\n", fmt::join(ell, " "), fmt::join(c_ell, " "));
  out += fmt::format("# held-out skies; columns of score: {}\n", score_columns);
  for (const HeldOutScore& score : scores)
    out += fmt::format("score = {:.5g}\n", fmt::join(score_values(score), " "));
  if (!conditioned()) return out;
  out += fmt::format("high_pass = {}\n", high_pass);
  out += fmt::format(
      "# held-out skies; columns of level: sigma, mean square error over the Gaussian prior's, its error, "
      "and "
      "that ratio in the bands of ell\nbands = {:.6g}\n",
      fmt::join(bands, " "));
  for (const NoiseLevel& level : levels)
    out += fmt::format("level = {:.6g} {:.5g} {:.3g} {:.5g}\n", level.sigma, level.loss_ratio,
                       level.loss_ratio_error, fmt::join(level.variance_ratio, " "));
  out += "# columns of range: sigma, and the lowest and highest value of each input\n";
  for (const NoiseLevel& level : levels) {
    out += fmt::format("range = {:.6g}", level.sigma);
    for (std::size_t i = 0; i < level.lowest.size(); ++i)
      out += fmt::format(" {:.5g} {:.5g}", level.lowest[i], level.highest[i]);
    out += "\n";
  }
  out += fmt::format("# mock surveys; columns of calibration: {}\n", calibration_columns);
  for (const CalibrationScore& calibration : calibrations)
    out += fmt::format("calibration = {:.5g}\n", fmt::join(calibration_values(calibration), " "));
  return out;
}

double ModelCard::residual_share(double multipole) const { return high_passed(multipole, high_pass); }

double gaussian_below(double high_pass) { return 0.5 * high_pass; }

double high_passed(double multipole, double high_pass) {
  if (multipole <= 0.0 || multipole < gaussian_below(high_pass)) return 0.0;
  return 1.0 / (1.0 + std::pow(high_pass / multipole, 4));
}

double ModelCard::variance_ratio(double multipole, double sigma) const {
  TESSERA_REQUIRE(levels.size() > 1 && !bands.empty());
  const Place band = place(bands, multipole, [](double node) { return node; });
  return between_levels(levels, sigma, [&](const NoiseLevel& level) {
    const double above = band.share > 0.0 ? band.share * level.variance_ratio[band.below + 1] : 0.0;
    return (1.0 - band.share) * level.variance_ratio[band.below] + above;
  });
}

ModelCard::InputRange ModelCard::input_range(std::size_t input, double sigma) const {
  return {between_levels(levels, sigma, [&](const NoiseLevel& level) { return level.lowest.at(input); }),
          between_levels(levels, sigma, [&](const NoiseLevel& level) { return level.highest.at(input); })};
}

ModelCard ModelCard::parse(const std::string& text, const std::string& path) {
  const Lines lines(text, path);
  ModelCard card;
  card.kind = lines.text("kind");
  card.version = lines.text("version");
  card.skies = lines.text("skies");
  card.command = lines.text("command");
  card.pixel_arcmin = lines.number("pixel_arcmin", 1e-4, 1e4);
  card.noise_low = lines.number("noise_low", 0.0, 1e3);
  card.noise_high = lines.number("noise_high", card.noise_low, 1e3);
  constexpr std::int64_t many = 1 << 10, highest_lmax = 1 << 26;
  if (lines.has("lmax")) card.lmax = static_cast<std::uint64_t>(lines.count("lmax", highest_lmax));
  card.inputs = lines.count("inputs", many);
  card.outputs = lines.count("outputs", many);
  card.alignment = lines.count("alignment", many);
  card.receptive_radius = lines.count("receptive_radius", many);
  card.ell = lines.numbers("ell");
  card.c_ell = lines.numbers("c_ell");
  if (card.ell.size() < 2 || card.ell.size() != card.c_ell.size())
    fail("{}: its model card has {} values of ell and {} of C_ell", path, card.ell.size(), card.c_ell.size());
  for (std::size_t i = 0; i < card.ell.size(); ++i)
    if (!(card.c_ell[i] > 0.0) || !(card.ell[i] > (i == 0 ? 0.0 : card.ell[i - 1])))
      fail("{}: its model card has C_ell = {} at ell = {}; both must be positive, and ell increase", path,
           card.c_ell[i], card.ell[i]);
  for (const auto& row : lines.rows("score", score_values({}).size())) card.scores.push_back(score_of(row));
  if (!card.conditioned()) return card;
  card.high_pass = lines.number("high_pass", 0.0, 1e6);
  card.bands = lines.numbers("bands");
  if (card.bands.empty()) fail("{}: its model card has no numbers in the line 'bands'", path);
  for (std::size_t b = 0; b < card.bands.size(); ++b)
    if (!(card.bands[b] > (b == 0 ? 0.0 : card.bands[b - 1])))
      fail("{}: the bands of its model card do not increase", path);
  card.levels = lines.levels(card.bands.size());
  const auto ranges = lines.rows("range", 1 + 2 * score_inputs);
  if (ranges.size() != card.levels.size())
    fail("{}: its model card has {} lines 'range' for {} levels", path, ranges.size(), card.levels.size());
  for (std::size_t l = 0; l < ranges.size(); ++l) {
    if (ranges[l][0] != card.levels[l].sigma)
      fail("{}: its model card has a range for sigma = {} where the level is {}", path, ranges[l][0],
           card.levels[l].sigma);
    for (std::size_t i = 1; i < ranges[l].size(); i += 2) {
      if (!(ranges[l][i] < ranges[l][i + 1]))
        fail("{}: its model card has an input from {} to {} at sigma = {}, which is no range", path,
             ranges[l][i], ranges[l][i + 1], ranges[l][0]);
      card.levels[l].lowest.push_back(ranges[l][i]);
      card.levels[l].highest.push_back(ranges[l][i + 1]);
    }
  }
  for (const auto& row : lines.rows("calibration", calibration_values({}).size()))
    card.calibrations.push_back(calibration_of(row));
  return card;
}

std::vector<std::string> reasons_against(const ModelCard& card, const ModelUse& use) {
  std::vector<std::string> reasons;
  constexpr double pixel_tolerance = 0.02, noise_tolerance = 0.1, spectrum_factor = 1.5;
  if (std::abs(use.pixel_arcmin / card.pixel_arcmin - 1.0) > pixel_tolerance)
    reasons.push_back(fmt::format("the pixels are {} arcmin, the model was trained on {} arcmin",
                                  use.pixel_arcmin, card.pixel_arcmin));
  if ((card.lmax > 0) != (use.lmax > 0))
    reasons.push_back(card.lmax > 0 ? "the maps are on the plane, the model was trained on the sphere"
                                    : "the maps are on the sphere, the model was trained on the plane");
  else if (card.lmax != use.lmax)
    reasons.push_back(fmt::format("lmax is {}, the model was trained with {}", use.lmax, card.lmax));
  if (use.noise > 0.0 && (use.noise < card.noise_low * (1.0 - noise_tolerance) ||
                          use.noise > card.noise_high * (1.0 + noise_tolerance)))
    reasons.push_back(
        fmt::format("the shear noise is {:.3g} in 1 arcmin^2, the model was trained on {:.3g} to {:.3g}",
                    use.noise, card.noise_low, card.noise_high));
  if (use.spectrum != nullptr) {
    double worst = 1.0, at = 0.0;
    for (std::size_t i = 0; i < card.ell.size(); ++i) {
      const auto& ell = use.spectrum->ell();
      if (card.ell[i] < ell.front() || card.ell[i] > ell.back()) continue;
      const double ratio = (*use.spectrum)(card.ell[i]) / card.c_ell[i];
      if (std::abs(std::log(ratio)) <= std::abs(std::log(worst))) continue;
      worst = ratio;
      at = card.ell[i];
    }
    if (std::abs(std::log(worst)) > std::log(spectrum_factor))
      reasons.push_back(fmt::format(
          "the spectrum is {:.3g} times that of the model's training at ell = {:.0f}", worst, at));
  }
  return reasons;
}

}  // namespace tessera::network
