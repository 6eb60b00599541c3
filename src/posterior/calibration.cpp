#include "posterior/calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"
#include "sky/angles.hpp"
#include "statistics/map_comparison.hpp"
#include "statistics/sky_statistics.hpp"

namespace tessera::posterior {
namespace {

// Of the smoothings: how many the skewness is measured at, and which are for peaks and for TARP.
constexpr std::size_t skewness_smoothings = 2, peak_smoothing = 0, tarp_smoothing = 1;
constexpr std::size_t peak_levels = std::tuple_size_v<decltype(CalibrationField::peak_levels)>;

/// Columns of a row of figures.
enum Figure : std::size_t {
  rmse,  // of the posterior mean, in the mask
  rmse_wiener,
  rmse_deepmass,  // 0 if there is none
  r,
  r_wiener,
  r_deepmass,
  z_deviation,   // standard deviation of (truth - mean) / std over pixels of the mask
  z_many,        // the same for infinitely many samples
  z_unobserved,  // the same where there are no data
  spread,        // root of the mean square error over the mean variance
  tarp_pixels,   // part of the samples nearer to the reference than the truth is
  tarp_smooth,
  truth_rms,
  sample_rms,
  truth_skewness,  // of the mask, of the map and at the first smoothings
  truth_skewness_1,
  truth_skewness_2,
  sample_skewness,
  sample_skewness_1,
  sample_skewness_2,
  truth_peaks,  // of the mask, above the levels
  sample_peaks = truth_peaks + peak_levels,
  mean_peaks = sample_peaks + peak_levels,
  figure_count = mean_peaks + peak_levels
};

std::vector<double> mean_of(std::span<const std::vector<double>> samples) {
  std::vector<double> mean(samples[0].size(), 0.0);
  for (const auto& sample : samples)
    for (std::size_t p = 0; p < mean.size(); ++p) mean[p] += sample[p] / static_cast<double>(samples.size());
  return mean;
}

/// What truths are off over what samples scatter, in the mean over the pixels with mask = wanted.
struct Widths {
  double z2 = 0.0, error = 0.0, variance = 0.0;
};

Widths widths(const CalibrationSurvey& survey, std::span<const std::vector<double>> samples, bool observed) {
  const std::vector<double>&truth = survey.maps.truth, &mean = survey.maps.mean;
  const std::vector<double> centre = mean_of(samples);
  const auto n = static_cast<double>(samples.size());
  Widths w;
  double pixels = 0.0;
  for (std::size_t p = 0; p < mean.size(); ++p) {
    if ((survey.mask[p] > 0.0) != observed) continue;
    double variance = 0.0;
    for (const auto& sample : samples) variance += std::pow(sample[p] - centre[p], 2) / (n - 1.0);
    const double error2 = std::pow(truth[p] - mean[p], 2);
    w.z2 += error2 / variance * (n - 3.0) / (n - 1.0);  // the scatter is an estimate (Student's t)
    w.error += error2;
    w.variance += variance;
    pixels += 1.0;
  }
  if (pixels > 0.0)
    for (double* const sum : {&w.z2, &w.error, &w.variance}) *sum /= pixels;
  return w;
}

std::string smoothing_name(double arcmin) { return fmt::format("{:g} arcmin", arcmin); }
std::string band_name(std::size_t band) { return fmt::format("band {}", band); }

/// All maps of a survey smoothed by a Gaussian, arcmin.
CalibrationMaps smoothed(const harmonic::HarmonicBasis& field, const CalibrationMaps& maps, double arcmin) {
  const auto smooth = [&](const std::vector<double>& map) {
    return harmonic::smoothed(field, map, arcmin * radians_per_arcmin);
  };
  CalibrationMaps result{smooth(maps.truth), smooth(maps.mean), smooth(maps.reference), {}};
  for (const auto& sample : maps.samples) result.samples.push_back(smooth(sample));
  return result;
}

}  // namespace

Calibration::Calibration(CalibrationField field, std::size_t samples, std::size_t surveys, std::uint64_t seed)
    : field_(std::move(field)),
      local_peaks_(*field_.sky, std::vector<double>(basis().pixel_count(), 1.0)),
      samples_(samples),
      seed_(seed),
      figures_(surveys),
      sample_power_(surveys),
      mean_power_(surveys),
      truth_power_(surveys) {
  TESSERA_REQUIRE(samples > 7 && field_.sky->comm().size() == 1);
  // All names now, so that ranks without surveys know them.
  std::vector<std::string> names{"pixel", "peak", "highest peak", "bands"};
  for (const double arcmin : field_.smoothings) names.push_back(smoothing_name(arcmin));
  for (std::size_t b = 0; b < bands().size(); ++b) names.push_back(band_name(b));
  for (const std::string& name : names) ranks_[name].resize(samples + 1, 0.0);
}

void Calibration::collect(const mpi::Communicator& comm) {
  for (auto& [name, counts] : ranks_) comm.sum(std::span(counts));
  std::vector<double> there(figures_.size());
  for (std::size_t s = 0; s < there.size(); ++s) there[s] = figures_[s].empty() ? 0.0 : 1.0;
  comm.sum(std::span(there));
  const auto collected = [&](std::vector<std::vector<double>>& rows, std::size_t columns) {
    std::vector<std::vector<double>> all;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      if (there[s] == 0.0) continue;
      rows[s].resize(columns, 0.0);  // one rank has numbers, the others zeros: nothing is rounded
      comm.sum(std::span(rows[s]));
      all.push_back(std::move(rows[s]));
    }
    rows = std::move(all);
  };
  collected(figures_, figure_count);
  for (auto* power : {&sample_power_, &mean_power_, &truth_power_}) collected(*power, bands().size());
  for (std::size_t s = 0; s < there.size(); ++s)
    if (there[s] == 0.0) missing_.push_back(s);
}

std::vector<std::string> Calibration::figure_names() const {
  std::vector<std::string> names{
      "rmse",   "rmse_wiener",  "rmse_deepmass", "r",           "r_wiener",    "r_deepmass", "z_deviation",
      "z_many", "z_unobserved", "spread",        "tarp_pixels", "tarp_smooth", "truth_rms",  "sample_rms"};
  for (const char* const of : {"truth", "sample"}) {
    names.push_back(fmt::format("{}_skewness", of));
    for (std::size_t i = 0; i < skewness_smoothings; ++i)
      names.push_back(fmt::format("{}_skewness_{:g}", of, field_.smoothings[i]));
  }
  for (const char* const of : {"truth", "sample", "mean"})
    for (const double level : field_.peak_levels) names.push_back(fmt::format("{}_peaks_{:g}", of, level));
  return names;
}

void Calibration::rank(const std::string& quantity, double truth, const std::vector<double>& samples) {
  std::vector<double>& counts = ranks_.at(quantity);
  double below = 0.0, equal = 0.0;
  for (const double sample : samples) {
    below += sample < truth ? 1.0 : 0.0;
    equal += sample == truth ? 1.0 : 0.0;
  }
  const auto [chance, unused] = ties_->uniforms(tie_++);
  counts[static_cast<std::size_t>(below + std::floor(chance * (equal + 1.0)))] += 1.0;
}

void Calibration::rank_at(const std::string& quantity, const CalibrationMaps& maps, std::size_t p) {
  std::vector<double> values(samples_);
  for (std::size_t s = 0; s < samples_; ++s) values[s] = maps.samples[s][p];
  rank(quantity, maps.truth[p], values);
}

void Calibration::rank_smoothed(const CalibrationMaps& maps, const std::vector<double>& mask, double arcmin) {
  // Pixels so far apart that their ranks are nearly independent.
  for (const std::size_t p : field_.sky->spaced(4.0 * arcmin * radians_per_arcmin))
    if (mask[p] > 0.0) rank_at(smoothing_name(arcmin), maps, p);
}

void Calibration::count_peaks(const std::vector<double>& smooth, const std::vector<double>& mask,
                              double share, double* counts) {
  const std::vector<double> peaks = local_peaks_(smooth);
  for (std::size_t p = 0; p < smooth.size(); ++p)
    for (std::size_t l = 0; l < peak_levels; ++l)
      counts[l] += peaks[p] > 0.0 && mask[p] > 0.0 && smooth[p] > field_.peak_levels[l] ? share : 0.0;
}

void Calibration::rank_peaks(const CalibrationMaps& maps, const std::vector<double>& mask) {
  const std::vector<double> peaks = local_peaks_(maps.mean);
  for (std::size_t p = 0; p < peaks.size(); ++p)
    if (peaks[p] > 0.0 && mask[p] > 0.0 && field_.sky->is_inner(p)) rank_at("peak", maps, p);
  const auto highest = [&](const std::vector<double>& map) {
    double most = -std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < map.size(); ++p)
      if (mask[p] > 0.0) most = std::max(most, map[p]);
    return most;
  };
  std::vector<double> values;
  for (const auto& sample : maps.samples) values.push_back(highest(sample));
  rank("highest peak", highest(maps.truth), values);
}

void Calibration::compare_power(std::size_t number, const CalibrationMaps& maps,
                                const std::vector<double>& mask) {
  const std::vector<double> truth = field_.power(maps.truth, mask);
  std::vector<std::vector<double>> samples;
  for (const auto& sample : maps.samples) samples.push_back(field_.power(sample, mask));
  truth_power_[number] = truth;
  sample_power_[number] = mean_of(samples);
  mean_power_[number] = field_.power(maps.mean, mask);
  std::vector<double> values(samples_);
  for (std::size_t b = 0; b < truth.size(); ++b) {
    for (std::size_t s = 0; s < samples_; ++s) values[s] = samples[s][b];
    rank(band_name(b), truth[b], values);
    rank("bands", truth[b], values);
  }
}

namespace {

/// Part of the samples that are nearer to the reference than the truth is, over the pixels of the mask.
double nearer(const CalibrationMaps& maps, const std::vector<double>& mask) {
  const auto distance = [&](const std::vector<double>& map) {
    double sum = 0.0;
    for (std::size_t p = 0; p < map.size(); ++p)
      sum += mask[p] > 0.0 ? std::pow(map[p] - maps.reference[p], 2) : 0.0;
    return sum;
  };
  const double truth = distance(maps.truth);
  double part = 0.0;
  for (const auto& sample : maps.samples) part += distance(sample) < truth ? 1.0 : 0.0;
  return part / static_cast<double>(maps.samples.size());
}

/// f(map) of the truth, and its mean over the samples.
template <class F>
void describe(const CalibrationMaps& maps, double& truth, double& samples, F f) {
  truth = f(maps.truth);
  samples = 0.0;
  for (const auto& sample : maps.samples) samples += f(sample) / static_cast<double>(maps.samples.size());
}

}  // namespace

void Calibration::compare_errors(const CalibrationSurvey& survey, std::vector<double>& f) const {
  const auto compared = [&](const std::vector<double>& map, Figure error, Figure correlation) {
    if (basis().comm().max(static_cast<std::uint64_t>(map.size())) == 0) return;
    const statistics::MapComparison c =
        statistics::compare_maps(basis(), map, survey.maps.truth, survey.mask, {});
    f[error] = c.rmse;
    f[correlation] = c.pearson_r;
  };
  compared(survey.maps.mean, rmse, r);
  compared(survey.wiener, rmse_wiener, r_wiener);
  compared(survey.deepmass, rmse_deepmass, r_deepmass);
  const std::span<const std::vector<double>> all(survey.maps.samples);
  const Widths seen = widths(survey, all, true);
  f[z_deviation] = std::sqrt(seen.z2);
  // Skewed posteriors have noisier scatters than Student's t allows for, by something over the number of
  // samples: with half of them it is twice as much.
  const std::size_t half = samples_ / 2;
  const double z2_half =
      0.5 * (widths(survey, all.first(half), true).z2 + widths(survey, all.last(half), true).z2);
  f[z_many] = std::sqrt(std::max(2.0 * seen.z2 - z2_half, 0.0));
  f[z_unobserved] = std::sqrt(widths(survey, all, false).z2);
  f[spread] = std::sqrt(seen.error / seen.variance);
}

void Calibration::add(std::size_t number, CalibrationSurvey survey) {
  ties_.emplace(seed_, Purpose::calibration, static_cast<std::uint32_t>(number));
  tie_ = 0;
  CalibrationMaps& maps = survey.maps;
  TESSERA_REQUIRE(maps.samples.size() == samples_ && maps.truth.size() == basis().pixel_count() &&
                  maps.mean.size() == maps.truth.size());
  std::vector<double> f(figure_count, 0.0);
  compare_errors(survey, f);
  f[tarp_pixels] = nearer(maps, survey.mask);
  // Where there are no data the prior is Gaussian.
  const auto moments = [&](const std::vector<double>& map) {
    return statistics::moments(basis(), map, survey.mask);
  };
  const auto skewness = [&](const std::vector<double>& map) { return moments(map).skewness; };
  describe(maps, f[truth_rms], f[sample_rms], [&](const auto& map) { return moments(map).rms; });
  describe(maps, f[truth_skewness], f[sample_skewness], skewness);
  for (std::size_t p = 0; p < survey.mask.size(); ++p)
    if (survey.mask[p] > 0.0) rank_at("pixel", maps, p);
  for (std::size_t i = 0; i < field_.smoothings.size(); ++i) {
    const CalibrationMaps smooth = smoothed(basis(), maps, field_.smoothings[i]);
    rank_smoothed(smooth, survey.mask, field_.smoothings[i]);
    if (i < skewness_smoothings)
      describe(smooth, f[truth_skewness + 1 + i], f[sample_skewness + 1 + i], skewness);
    if (i == peak_smoothing) {
      rank_peaks(smooth, survey.mask);
      count_peaks(smooth.truth, survey.mask, 1.0, &f[truth_peaks]);
      for (const auto& sample : smooth.samples)
        count_peaks(sample, survey.mask, 1.0 / static_cast<double>(samples_), &f[sample_peaks]);
      count_peaks(smooth.mean, survey.mask, 1.0, &f[mean_peaks]);
    }
    if (i == tarp_smoothing) f[tarp_smooth] = nearer(smooth, survey.mask);
  }
  compare_power(number, maps, survey.mask);
  figures_.at(number) = std::move(f);
}

}  // namespace tessera::posterior
