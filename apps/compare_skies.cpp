// tessera compare --skies: what sets of skies are like, side by side.
#include "apps/compare_skies.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <map>
#include <set>

#include "apps/provenance.hpp"
#include "apps/published_figures.hpp"
#include "apps/sky_source.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/atomic_file.hpp"
#include "io/map_writer.hpp"
#include "mpi/agreement.hpp"
#include "mpi/memory.hpp"
#include "statistics/sky_average.hpp"

namespace tessera::apps {
namespace {

using statistics::MeanCurve;
using statistics::SkyBins;

struct Default {
  const char* name;
  const char* text;
};
constexpr std::array<Default, 7> defaults = {{{"bands", "20"},
                                              {"map", "kappa"},
                                              {"smoothing-arcmin", "0,1,2,4"},
                                              {"extrema-arcmin", "1"},
                                              {"thresholds", "0.04,0.06,0.08,0.10"},
                                              {"minima", "-0.005,-0.010,-0.015,-0.020"},
                                              {"starlet-scales", "5"}}};

/// What the options say, checked before any work.
struct Settings {
  explicit Settings(const config::Values& values);
  std::vector<std::string> paths;
  std::size_t reference;  // among paths
  std::uint64_t bands;
  bool scales_chosen = false;  // by the user: must fit every map
  SkyBins bins;                // but ell; angles in arcmin
  std::vector<PublishedFigure> published;
};

struct Measured {
  const SkySource* source;
  std::vector<MeanCurve> curves;
};

config::Values with_defaults(const config::Values& values) {
  config::Values filled = values;
  for (const auto& [name, text] : defaults)
    if (!values.has(name)) filled.set(name, text);
  return filled;
}

std::vector<double> equal_edges(double min, double max, std::uint64_t bins) {
  std::vector<double> edges;
  for (std::uint64_t i = 0; i <= bins; ++i)
    edges.push_back(min + (max - min) * static_cast<double>(i) / static_cast<double>(bins));
  return edges;
}

std::vector<double> numbers_within(const config::Values& values, const std::string& name, double min,
                                   double max) {
  auto numbers = values.numbers(name);
  for (const double number : numbers)
    if (!(number >= min && number <= max))
      fail("--{} has the entry {} and its entries must be between {} and {}", name, number, min, max);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

void insert_sorted(std::vector<double>& numbers, double number) {
  const auto place = std::lower_bound(numbers.begin(), numbers.end(), number);
  if (place == numbers.end() || *place != number) numbers.insert(place, number);
}

Settings::Settings(const config::Values& values)
    : paths(values.words("skies")),
      bands(values.count("bands", 1, 1000)),
      bins{{},
           numbers_within(values, "smoothing-arcmin", 0.0, 600.0),
           {},
           equal_edges(-5.0, 15.0, 80),
           values.number("extrema-arcmin", 0.0, 600.0),
           numbers_within(values, "thresholds", -10.0, 10.0),
           numbers_within(values, "minima", -10.0, 10.0),
           equal_edges(-4.0, 10.0, 28),
           values.count("starlet-scales", 1, 20),
           equal_edges(-8.0, 8.0, 32)} {
  if (values.has("top-hat-arcmin")) bins.top_hat = numbers_within(values, "top-hat-arcmin", 1e-3, 600.0);
  const std::string first = values.text_or("reference", paths.front());
  const auto place = std::find(paths.begin(), paths.end(), first);
  reference = static_cast<std::size_t>(place - paths.begin());
  if (place == paths.end()) paths.push_back(first);
  if (std::set<std::string>(paths.begin(), paths.end()).size() != paths.size())
    fail("--skies names a file twice, which would be compared with itself; name each once");
  if (values.has("published")) published = read_published(values.text("published"));
  for (const PublishedFigure& figure : published) {
    if (figure.smoothing == "top-hat")
      insert_sorted(bins.top_hat, figure.scale);
    else if (figure.quantity != "peaks_above")
      insert_sorted(bins.smoothing, figure.scale);
  }
}

/// The settings' angles in radians, and bands and scales that all sources have in common.
SkyBins common_bins(const Settings& settings, const std::deque<SkySource>& sources) {
  SkyBins bins = settings.bins;
  for (auto* angles : {&bins.smoothing, &bins.top_hat})
    for (double& angle : *angles) angle *= radians_per_arcmin;
  bins.extrema_smoothing *= radians_per_arcmin;
  double low = 0.0, high = std::numeric_limits<double>::infinity();
  for (const SkySource& source : sources) {
    low = std::max(low, source.ell_range().min);
    high = std::min(high, source.ell_range().max);
    const std::uint64_t side = std::min(source.box().nx, source.box().ny);
    const auto fit = static_cast<std::uint64_t>(std::bit_width(side - 1) - 1);
    if (settings.scales_chosen && fit < bins.starlet_scales)
      fail("--starlet-scales {} reaches beyond the {} pixels of '{}'; {} scales fit", bins.starlet_scales,
           side, source.path(), fit);
    bins.starlet_scales = std::min(bins.starlet_scales, fit);
  }
  if (!(low < high))
    fail(
        "the maps and spectra have no multipoles in common (lowest {:.0f}, highest {:.0f}): their power "
        "cannot be compared; choose sets of like size and pixels",
        low, high);
  constexpr double rounding = 1e-9;  // the box's first and last modes lie on the edges
  for (std::uint64_t i = 0; i <= settings.bands; ++i)
    bins.ell.push_back(low *
                       std::pow(high / low, static_cast<double>(i) / static_cast<double>(settings.bands)));
  bins.ell.front() *= 1.0 - rounding;
  bins.ell.back() *= 1.0 + rounding;
  return bins;
}

std::vector<statistics::Curve> measure(const SkySource& source, std::uint64_t sky,
                                       const harmonic::PlaneBasis& basis, const SkyBins& bins,
                                       std::span<const double> kappa) {
  try {
    if (!source.has_spectra()) return measure_sky(basis, kappa, std::nullopt, bins, source.periodic());
    const auto expected = source.expected(sky, basis);
    return measure_sky(basis, kappa, expected, bins, source.periodic());
  } catch (const Error& problem) {
    fail("sky {} of '{}': {}", sky, source.path(), problem.what());
  }
}

/// One sky alone is shared by all ranks; of several each rank takes whole ones.
std::vector<MeanCurve> measure_set(const mpi::Communicator& comm, const SkySource& source,
                                   const SkyBins& bins) {
  const bool shared = source.count() == 1;
  const BlockDistribution rows(source.box().ny, shared ? comm.size() : 1);
  constexpr double doubles_per_pixel = 24.0;
  mpi::require_memory(
      comm, doubles_per_pixel * sizeof(double) * static_cast<double>(rows.block() * source.box().nx),
      fmt::format("a sky of {} x {} pixels", source.box().nx, source.box().ny));
  const mpi::Communicator alone(shared ? comm.get() : MPI_COMM_SELF);
  const harmonic::PlaneBasis basis(alone, source.box(), source.pixel_radians());
  std::vector<std::vector<statistics::Curve>> measured(source.count());
  if (shared) {
    std::vector<double> kappa;
    mpi::collectively(comm, [&] { kappa = source.read(0, basis); });
    auto curves = measure(source, 0, basis, bins, kappa);
    if (comm.is_root()) measured[0] = std::move(curves);
  } else {
    const auto step = static_cast<std::uint64_t>(comm.size());
    log::Progress progress(fmt::format("skies of '{}'", source.path()), (source.count() + step - 1) / step);
    mpi::collectively(comm, [&] {
      for (auto sky = static_cast<std::uint64_t>(comm.rank()); sky < source.count(); sky += step) {
        measured[sky] = measure(source, sky, basis, bins, source.read(sky, basis));
        progress.step();
      }
    });
  }
  return average_skies(comm, measured);
}

const MeanCurve* find_curve(const Measured& set, const std::string& name) {
  for (const MeanCurve& curve : set.curves)
    if (curve.mean.name == name) return &curve;
  return nullptr;
}

bool same_pixels(const SkySource& a, const SkySource& b) {
  return std::abs(a.pixel_arcmin() / b.pixel_arcmin() - 1.0) < 1e-6;
}

/// Whether maps may be compared after smoothing over `scale` arcmin: with other pixels only where the pixels'
/// own smoothing does not count.
bool comparable(const SkySource& a, const SkySource& b, double scale) {
  constexpr double pixels = 2.0;
  return same_pixels(a, b) || scale >= pixels * std::max(a.pixel_arcmin(), b.pixel_arcmin());
}

constexpr double any_scale = std::numeric_limits<double>::infinity();

/// Prints entries of one curve of all sets, and their ratios to the reference's.
class Table {
 public:
  Table(const std::vector<Measured>& sets, std::size_t reference) : sets_(&sets), reference_(reference) {}

  void heading(const std::string& title, const std::string& unit) const {
    std::string line = fmt::format("  {:>15}", unit);
    for (std::size_t i = 0; i < sets_->size(); ++i) line += fmt::format("  {:>23}", letter(i));
    for (std::size_t i = 0; i < sets_->size(); ++i)
      if (i != reference_)
        line += fmt::format("  {:>17} {:>7}", letter(i) + "/" + letter(reference_), "sigmas");
    log::info("{}\n{}", title, line);
  }

  /// Entry `index` of a curve that was smoothed over `scale` arcmin.
  void row(const std::string& label, const std::string& name, std::size_t index, double scale) const {
    std::string line = fmt::format("  {:>15}", label);
    for (const Measured& set : *sets_) line += fmt::format("  {:>23}", value(set, name, index));
    for (std::size_t i = 0; i < sets_->size(); ++i)
      if (i != reference_) line += "  " + against_reference((*sets_)[i], name, index, scale);
    log::info("{}", line);
  }

  static std::string letter(std::size_t i) { return {static_cast<char>('A' + i % 26)}; }

 private:
  static std::string value(const Measured& set, const std::string& name, std::size_t index) {
    const MeanCurve* curve = find_curve(set, name);
    if (curve == nullptr) return "-";
    const double error = curve->error[index];
    return std::isnan(error) ? fmt::format("{:.4g}", curve->mean.values[index])
                             : fmt::format("{:.4g} +- {:.2g}", curve->mean.values[index], error);
  }

  [[nodiscard]] std::string against_reference(const Measured& set, const std::string& name, std::size_t index,
                                              double scale) const {
    const Measured& base = (*sets_)[reference_];
    const MeanCurve *ours = find_curve(set, name), *theirs = find_curve(base, name);
    if (ours == nullptr || theirs == nullptr || !comparable(*set.source, *base.source, scale))
      return fmt::format("{:>17} {:>7}", "-", "-");
    const double a = ours->mean.values[index], b = theirs->mean.values[index];
    const double ea = ours->error[index], eb = theirs->error[index];
    const double ratio_error = std::hypot(ea / b, a * eb / (b * b));
    const double sigmas = (a - b) / std::hypot(ea, eb);
    return fmt::format("{:>17} {:>7}",
                       std::isnan(ratio_error) ? fmt::format("{:.3f}", a / b)
                                               : fmt::format("{:.3f} +- {:.3f}", a / b, ratio_error),
                       std::isfinite(sigmas) ? fmt::format("{:+.1f}", sigmas) : "-");
  }

  const std::vector<Measured>* sets_;
  std::size_t reference_;
};

void print_legend(const std::vector<Measured>& sets, std::size_t reference) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const SkySource& source = *sets[i].source;
    log::info("{}{}: {} ({}), {} {} of {} x {} pixels of {:.4g} arcmin{}", Table::letter(i),
              i == reference ? " (reference)" : "", source.path(), source.made_by(), source.count(),
              source.count() == 1 ? "sky" : "skies", source.box().nx, source.box().ny, source.pixel_arcmin(),
              source.periodic() ? ", periodic" : "");
    if (!same_pixels(source, *sets[reference].source))
      log::warn(
          "'{}' has other pixels than the reference: only what is smoothed over 2 pixels or more is compared "
          "with it",
          source.path());
  }
  log::info("mean +- standard error over the skies; a sigma is that of the difference");
}

/// Largest departure of the mean power from its input among the bands within the range where it is promised.
void print_worst_band(const std::vector<Measured>& sets, const SkyBins& bins) {
  constexpr double from = 100.0, to = 20000.0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const MeanCurve* ratio = find_curve(sets[i], "power_ratio");
    if (ratio == nullptr) continue;
    std::size_t worst = 0;
    const auto departure = [&](std::size_t b) { return std::abs(ratio->mean.values[b] - 1.0); };
    bool any = false;
    for (std::size_t b = 0; b + 1 < bins.ell.size(); ++b) {
      if (bins.ell[b] < from || bins.ell[b + 1] > to || !std::isfinite(departure(b))) continue;
      if (!any || departure(b) > departure(worst)) worst = b;
      any = true;
    }
    if (any)
      log::info(
          "  {}: within {:.0f} < ell < {:.0f} the band furthest from its input is off by {:.2f} +- {:.2f} %",
          Table::letter(i), from, to, 100.0 * departure(worst), 100.0 * ratio->error[worst]);
  }
}

void print_power(const Table& table, const std::vector<Measured>& sets, const SkyBins& bins) {
  const auto inputs =
      static_cast<std::size_t>(std::count_if(sets.begin(), sets.end(), [](const Measured& set) {
        return find_curve(set, "power_ratio") != nullptr;
      }));
  const std::vector<std::pair<std::string, std::string>> curves = {{"power_ratio", "power over its input"},
                                                                   {"power", "power, steradian"}};
  for (const auto& [name, title] : curves) {
    // Where all have an input, the quotients say it all.
    if (name == "power_ratio" ? inputs == 0 : inputs == sets.size()) continue;
    table.heading(title, "ell");
    for (std::size_t b = 0; b + 1 < bins.ell.size(); ++b)
      table.row(fmt::format("{:.0f} - {:.0f}", bins.ell[b], bins.ell[b + 1]), name, b,
                name == "power" ? 0.0 : any_scale);
    if (name == "power_ratio") print_worst_band(sets, bins);
  }
}

void print_moments(const Table& table, const std::vector<double>& scales, const std::string& prefix,
                   const std::string& smoothing) {
  for (const std::string name : {"rms", "skewness", "kurtosis", "s3"}) {
    if (scales.empty()) continue;
    table.heading(fmt::format("{} after {}", name, smoothing), "arcmin");
    for (std::size_t s = 0; s < scales.size(); ++s)
      table.row(fmt::format("{:.4g}", scales[s]), prefix + name, s, scales[s]);
  }
}

void print_percentiles(const Table& table, const std::vector<double>& scales) {
  table.heading("percentiles of kappa after a Gaussian", "arcmin, percent");
  const auto& percents = statistics::measured_percents;
  for (std::size_t s = 0; s < scales.size(); ++s)
    for (std::size_t p = 0; p < percents.size(); ++p)
      table.row(fmt::format("{:.4g}, {:2.0f}", scales[s], percents[p]), "percentiles",
                s * percents.size() + p, scales[s]);
}

void print_extrema(const Table& table, const SkyBins& arcmin) {
  const double scale = arcmin.extrema_smoothing;
  table.heading(fmt::format("peaks per square degree after {:.4g} arcmin, kappa above", scale), "kappa");
  for (std::size_t i = 0; i < arcmin.thresholds.size(); ++i)
    table.row(fmt::format("{:.4g}", arcmin.thresholds[i]), "peaks_above", i, scale);
  table.heading(fmt::format("minima per square degree after {:.4g} arcmin, kappa below", scale), "kappa");
  for (std::size_t i = 0; i < arcmin.minima.size(); ++i)
    table.row(fmt::format("{:.4g}", arcmin.minima[i]), "minima_below", i, scale);
}

void print_starlet(const Table& table, std::uint64_t scales) {
  table.heading("starlet, mean |w| per pixel", "pixels");
  for (std::size_t j = 0; j < scales; ++j)
    table.row(fmt::format("{}", std::uint64_t{1} << j), "starlet_l1", j, 0.0);
}

/// Place of a figure's quantity among the curves; nothing if it was not measured.
std::optional<std::size_t> index_of(const PublishedFigure& figure, const SkyBins& arcmin) {
  const auto place = [](const auto& list, double value) -> std::optional<std::size_t> {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](double x) { return std::abs(x - value) < 1e-9; });
    if (found == list.end()) return std::nullopt;
    return static_cast<std::size_t>(found - list.begin());
  };
  if (figure.quantity == "peaks_above")
    return std::abs(figure.scale - arcmin.extrema_smoothing) < 1e-9 ? place(arcmin.thresholds, figure.level)
                                                                    : std::nullopt;
  const auto scale = place(figure.smoothing == "top-hat" ? arcmin.top_hat : arcmin.smoothing, figure.scale);
  if (!scale || figure.quantity != "percentiles") return scale;
  const auto percent = place(statistics::measured_percents, figure.level);
  if (!percent) return std::nullopt;
  return *scale * statistics::measured_percents.size() + *percent;
}

void print_published(const std::vector<Measured>& sets, const Settings& settings) {
  if (settings.published.empty()) return;
  std::string line =
      fmt::format("  {:<12} {:>8} {:>7} {:>6} {:>17}", "quantity", "kernel", "arcmin", "level", "published");
  for (std::size_t i = 0; i < sets.size(); ++i)
    line += fmt::format(" {:>10} {:>6}", Table::letter(i), "ratio");
  log::info("published figures (ratio: ours over theirs)\n{}  source", line);
  for (const PublishedFigure& figure : settings.published) {
    const std::string value = std::isnan(figure.error)
                                  ? fmt::format("{:.4g}", figure.value)
                                  : fmt::format("{:.4g} +- {:.2g}", figure.value, figure.error);
    line = fmt::format("  {:<12} {:>8} {:>7.4g} {:>6.4g} {:>17}", figure.quantity, figure.smoothing,
                       figure.scale, figure.level, value);
    const auto index = index_of(figure, settings.bins);
    const std::string name = (figure.smoothing == "top-hat" ? "top_hat_" : "") + figure.quantity;
    for (const Measured& set : sets) {
      const double ours =
          index ? find_curve(set, name)->mean.values[*index] : std::numeric_limits<double>::quiet_NaN();
      line += index ? fmt::format(" {:>10.4g} {:>6.2f}", ours, ours / figure.value)
                    : fmt::format(" {:>10} {:>6}", "-", "-");
    }
    log::info("{}  {}", line, figure.source);
  }
}

void print(const std::vector<Measured>& sets, const Settings& settings, const SkyBins& bins) {
  const Table table(sets, settings.reference);
  print_legend(sets, settings.reference);
  print_power(table, sets, bins);
  print_moments(table, settings.bins.smoothing, "", "a Gaussian");
  print_moments(table, settings.bins.top_hat, "top_hat_", "a top-hat");
  print_percentiles(table, settings.bins.smoothing);
  print_extrema(table, settings.bins);
  print_starlet(table, bins.starlet_scales);
  print_published(sets, settings);
}

void write_axes(io::MapWriter& writer, const SkyBins& arcmin, const SkyBins& bins) {
  writer.create_group("/axes");
  const auto axis = [&](const std::string& name, std::span<const double> values, const std::string& units,
                        const std::string& text) {
    if (!values.empty()) writer.write_table("/axes/" + name, values, 0, {units, text});
  };
  axis("ell", bins.ell, "radian^-1", "edges of the bands of modes, power, power_expected, power_ratio");
  axis("smoothing", arcmin.smoothing, "arcmin",
       "standard deviations: rms, skewness, kurtosis, s3, pdf, percentiles");
  axis("top_hat", arcmin.top_hat, "arcmin", "radii: top_hat_rms, ...");
  axis("percent", statistics::measured_percents, "1", "columns of percentiles");
  axis("pdf", bins.pdf, "1", "edges in (kappa - mean) / rms: columns of pdf");
  axis("thresholds", bins.thresholds, "1", "convergence: peaks_above");
  axis("minima", bins.minima, "1", "convergence: minima_below");
  axis("nu", bins.nu, "1", "edges in (kappa - mean) / rms: peaks_nu, minima_nu");
  axis("starlet", bins.starlet, "1", "edges in w / rms: columns of starlet_bins");
  writer.attribute("/axes", "extrema_arcmin", arcmin.extrema_smoothing);
}

void write_set(io::MapWriter& writer, const std::string& group, const Measured& set) {
  const SkySource& source = *set.source;
  writer.create_group(group);
  writer.attribute(group, "file", source.path());
  writer.attribute(group, "source", source.made_by());
  writer.attribute(group, "skies", static_cast<std::int64_t>(source.count()));
  writer.attribute(group, "pixel_arcmin", source.pixel_arcmin());
  writer.attribute(group, "nx", static_cast<std::int64_t>(source.box().nx));
  writer.attribute(group, "ny", static_cast<std::int64_t>(source.box().ny));
  writer.attribute(group, "periodic", std::int64_t{source.periodic() ? 1 : 0});
  for (const MeanCurve& curve : set.curves) {
    const std::string name = group + "/" + curve.mean.name;
    writer.write_table(name, curve.mean.values, curve.mean.columns, {"", "mean over the skies"});
    writer.write_table(name + "_error", curve.error, curve.mean.columns, {"", "standard error of the mean"});
  }
}

void write(const mpi::Communicator& comm, io::AtomicFile& file, const config::Values& values,
           const std::vector<Measured>& sets, const Settings& settings, const SkyBins& bins) {
  double numbers = 1000.0;
  std::uint64_t datasets = 16;
  for (const Measured& set : sets)
    for (const MeanCurve& curve : set.curves) {
      numbers += 2.0 * static_cast<double>(curve.mean.values.size());
      datasets += 2;
    }
  io::MapWriter writer(comm, file, numbers, datasets);
  write_axes(writer, settings.bins, bins);
  writer.create_group("/sets");
  writer.attribute("/sets", "reference", static_cast<std::int64_t>(settings.reference));
  for (std::size_t i = 0; i < sets.size(); ++i) write_set(writer, fmt::format("/sets/{}", i), sets[i]);
  write_provenance(writer, comm, "compare", values, nullptr);
  writer.commit();
  log::info("wrote {}", file.path());
}

}  // namespace

config::Group skies_options() {
  return {"Skies",
          {{"skies", "LIST", "sets of skies, or files with one map each, to measure side by side"},
           {"reference", "FILE", "what the others are divided by [the first of --skies]"},
           {"map", "NAME", "map of a file that is no set [kappa]"},
           {"smoothing-arcmin", "LIST", "standard deviations of Gaussians; 0: the map itself [0,1,2,4]"},
           {"top-hat-arcmin", "LIST", "radii of discs for moments [none]"},
           {"extrema-arcmin", "X", "smoothing of the maps whose peaks and minima are counted [1]"},
           {"thresholds", "LIST", "kappa that peaks exceed [0.04,0.06,0.08,0.10]"},
           {"minima", "LIST", "kappa that minima fall below [-0.005,-0.010,-0.015,-0.020]"},
           {"starlet-scales", "N", "wavelet scales of 1, 2, 4 ... pixels [5, or as many as fit]"},
           {"published", "FILE",
            "table of published figures to print beside, as "
            "data/published_sky_statistics.txt"},
           {"out", "FILE.h5", "file for all curves with errors"},
           {"overwrite", "", "replace --out"}}};
}

void run_compare_skies(const mpi::Communicator& comm, const config::Values& given) {
  const config::Values values = with_defaults(given);
  std::optional<Settings> settings;
  std::deque<SkySource> sources;
  std::optional<SkyBins> bins;
  mpi::collectively(comm, [&] {
    settings.emplace(values);
    settings->scales_chosen = given.has("starlet-scales");
    for (const std::string& path : settings->paths) sources.emplace_back(path, values.text("map"));
    bins = common_bins(*settings, sources);
  });
  std::optional<io::AtomicFile> file;
  if (values.has("out")) file.emplace(comm, values.text("out"), values.flag("overwrite"));
  std::vector<Measured> sets;
  for (const SkySource& source : sources) sets.push_back({&source, measure_set(comm, source, *bins)});
  print(sets, *settings, *bins);
  if (file) write(comm, *file, values, sets, *settings, *bins);
}

}  // namespace tessera::apps
