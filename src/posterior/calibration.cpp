#include "posterior/calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"
#include "posterior/predictive.hpp"
#include "sky/angles.hpp"
#include "statistics/map_comparison.hpp"
#include "statistics/sky_statistics.hpp"

namespace tessera::posterior {
namespace {

constexpr std::array smoothings{1.0, 2.0, 4.0};            // arcmin
constexpr std::array peak_levels{0.04, 0.06, 0.08, 0.10};  // convergence at 1 arcmin
constexpr std::uint64_t bands_of_spectrum = 10;

/// Columns of a row of figures.
enum Figure : std::size_t {
  rmse,       // of the samples' mean, in the mask
  rmse_many,  // of the mean of infinitely many, by the samples' scatter
  rmse_wiener,
  rmse_deepmass,  // 0 if there is none
  r,
  r_wiener,
  r_deepmass,
  z_deviation,   // standard deviation of (truth - mean) / std over pixels of the mask
  z_unobserved,  // the same where there are no data
  spread,        // root of the mean square error over the mean variance
  tarp_pixels,   // part of the samples nearer to the reference than the truth is
  tarp_smooth,
  truth_rms,
  sample_rms,
  truth_skewness,  // at 0, 1, 2 arcmin
  truth_skewness_1,
  truth_skewness_2,
  sample_skewness,
  sample_skewness_1,
  sample_skewness_2,
  truth_peaks,  // above the levels
  sample_peaks = truth_peaks + peak_levels.size(),
  mean_peaks = sample_peaks + peak_levels.size(),
  figure_count = mean_peaks + peak_levels.size()
};

std::vector<double> mean_of(const std::vector<std::vector<double>>& samples) {
  std::vector<double> mean(samples[0].size(), 0.0);
  for (const auto& sample : samples)
    for (std::size_t p = 0; p < mean.size(); ++p) mean[p] += sample[p] / static_cast<double>(samples.size());
  return mean;
}

/// Sums over the pixels with mask = wanted.
struct Widths {
  double z2 = 0.0, error = 0.0, variance = 0.0, pixels = 0.0;
};

Widths widths(const CalibrationSurvey& survey, const std::vector<double>& mean, bool observed) {
  const auto n = static_cast<double>(survey.samples.size());
  Widths w;
  for (std::size_t p = 0; p < mean.size(); ++p) {
    if ((survey.mask[p] > 0.0) != observed) continue;
    double variance = 0.0;
    for (const auto& sample : survey.samples) variance += std::pow(sample[p] - mean[p], 2) / (n - 1.0);
    // The mean of n samples is off by their scatter, and their scatter is an estimate (Student's t).
    const double error2 = std::pow(survey.truth[p] - mean[p], 2) / (1.0 + 1.0 / n);
    w.z2 += error2 / variance * (n - 3.0) / (n - 1.0);
    w.error += error2;
    w.variance += variance;
    w.pixels += 1.0;
  }
  return w;
}

double skewness(const harmonic::PlaneBasis& field, const std::vector<double>& map) {
  const std::vector<double> all(map.size(), 1.0);
  return statistics::moments(field, map, all).skewness;
}

void count_peaks(const harmonic::PlaneBasis& field, const std::vector<double>& smooth, double share,
                 double* counts) {
  for (const double peak : statistics::extrema(field, smooth, true, 1).peaks)
    for (std::size_t l = 0; l < peak_levels.size(); ++l) counts[l] += peak > peak_levels[l] ? share : 0.0;
}

/// Places of the pixels of `map` above their eight neighbours, borders aside.
std::vector<std::size_t> peak_places(const harmonic::PlaneBasis& field, const std::vector<double>& map) {
  const std::size_t nx = field.nx(), ny = field.ny();
  std::vector<std::size_t> places;
  for (std::size_t y = 1; y + 1 < ny; ++y)
    for (std::size_t x = 1; x + 1 < nx; ++x) {
      const std::size_t p = y * nx + x;
      bool peak = true;
      for (const std::size_t q :
           {p - nx - 1, p - nx, p - nx + 1, p - 1, p + 1, p + nx - 1, p + nx, p + nx + 1})
        peak = peak && map[q] < map[p];
      if (peak) places.push_back(p);
    }
  return places;
}

}  // namespace

Calibration::Calibration(const harmonic::PlaneBasis& field, std::size_t samples, std::uint64_t seed)
    : field_(&field),
      samples_(samples),
      spectrum_(field, false, true, bands_of_spectrum),
      ties_(seed, Purpose::calibration) {
  TESSERA_REQUIRE(samples > 3 && field.comm().size() == 1);
}

std::vector<std::string> Calibration::figure_names() {
  std::vector<std::string> names{"rmse",
                                 "rmse_many",
                                 "rmse_wiener",
                                 "rmse_deepmass",
                                 "r",
                                 "r_wiener",
                                 "r_deepmass",
                                 "z_deviation",
                                 "z_unobserved",
                                 "spread",
                                 "tarp_pixels",
                                 "tarp_smooth",
                                 "truth_rms",
                                 "sample_rms",
                                 "truth_skewness",
                                 "truth_skewness_1",
                                 "truth_skewness_2",
                                 "sample_skewness",
                                 "sample_skewness_1",
                                 "sample_skewness_2"};
  for (const char* const of : {"truth", "sample", "mean"})
    for (const double level : peak_levels) names.push_back(fmt::format("{}_peaks_{:.2f}", of, level));
  return names;
}

void Calibration::rank(const std::string& quantity, double truth, const std::vector<double>& samples) {
  std::vector<double>& counts = ranks_[quantity];
  counts.resize(samples_ + 1, 0.0);
  double below = 0.0, equal = 0.0;
  for (const double sample : samples) {
    below += sample < truth ? 1.0 : 0.0;
    equal += sample == truth ? 1.0 : 0.0;
  }
  const auto [chance, unused] = ties_.uniforms(tie_++);
  counts[static_cast<std::size_t>(below + std::floor(chance * (equal + 1.0)))] += 1.0;
}

void Calibration::rank_maps(const CalibrationSurvey& survey, const std::vector<double>& mean) {
  std::vector<double> values(samples_);
  const std::size_t nx = field_->nx();
  const auto rank_at = [&](const std::string& name, const std::vector<double>& truth,
                           const std::vector<std::vector<double>>& samples, std::size_t p) {
    for (std::size_t s = 0; s < samples_; ++s) values[s] = samples[s][p];
    rank(name, truth[p], values);
  };
  for (std::size_t p = 0; p < survey.mask.size(); ++p)
    if (survey.mask[p] > 0.0) rank_at("pixel", survey.truth, survey.samples, p);
  for (const double arcmin : smoothings) {
    const double sigma = arcmin * radians_per_arcmin;
    const auto smooth = [&](const std::vector<double>& map) {
      return harmonic::smoothed(*field_, map, sigma);
    };
    const std::vector<double> truth = smooth(survey.truth), centre = smooth(mean);
    std::vector<std::vector<double>> samples;
    for (const auto& sample : survey.samples) samples.push_back(smooth(sample));
    const std::string name = fmt::format("{} arcmin", arcmin);
    // Pixels so far apart that their ranks are nearly independent.
    const auto stride = static_cast<std::size_t>(std::ceil(4.0 * sigma / std::sqrt(field_->pixel_area())));
    for (std::size_t y = stride / 2; y < field_->ny(); y += stride)
      for (std::size_t x = stride / 2; x < nx; x += stride) rank_at(name, truth, samples, y * nx + x);
    if (arcmin != smoothings[0]) continue;
    for (const std::size_t p : peak_places(*field_, centre))
      if (survey.mask[p] > 0.0) rank_at("peak", truth, samples, p);
    const auto highest = [](const std::vector<double>& map) {
      return *std::max_element(map.begin(), map.end());
    };
    for (std::size_t s = 0; s < samples_; ++s) values[s] = highest(samples[s]);
    rank("highest peak", highest(truth), values);
  }
}

void Calibration::compare_power(const CalibrationSurvey& survey, const std::vector<double>& mean) {
  const std::vector<double> truth = spectrum_(survey.truth);
  std::vector<std::vector<double>> samples;
  for (const auto& sample : survey.samples) samples.push_back(spectrum_(sample));
  truth_power_.push_back(truth);
  sample_power_.push_back(mean_of(samples));
  mean_power_.push_back(spectrum_(mean));
  std::vector<double> values(samples_);
  for (std::size_t b = 1; b + 1 < truth.size(); ++b) {
    for (std::size_t s = 0; s < samples_; ++s) values[s] = samples[s][b];
    rank(fmt::format("band {}", b), truth[b], values);
    rank("bands", truth[b], values);
  }
}

double Calibration::nearer(const CalibrationSurvey& survey, double smoothing) {
  const auto distance = [&](const std::vector<double>& map) {
    std::vector<double> difference(map.size());
    for (std::size_t p = 0; p < map.size(); ++p) difference[p] = map[p] - survey.reference[p];
    if (smoothing > 0.0) difference = harmonic::smoothed(*field_, difference, smoothing);
    double sum = 0.0;
    for (std::size_t p = 0; p < map.size(); ++p)
      sum += survey.mask[p] > 0.0 ? difference[p] * difference[p] : 0.0;
    return sum;
  };
  const double truth = distance(survey.truth);
  double part = 0.0;
  for (const auto& sample : survey.samples) part += distance(sample) < truth ? 1.0 : 0.0;
  return part / static_cast<double>(samples_);
}

void Calibration::add(const CalibrationSurvey& survey) {
  TESSERA_REQUIRE(survey.samples.size() == samples_ && survey.truth.size() == field_->pixel_count());
  const std::vector<double> mean = mean_of(survey.samples);
  std::vector<double> f(figure_count, 0.0);
  const auto compared = [&](const std::vector<double>& map, Figure error, Figure correlation) {
    if (map.empty()) return;
    const statistics::MapComparison c = statistics::compare_maps(*field_, map, survey.truth, survey.mask, {});
    f[error] = c.rmse;
    f[correlation] = c.pearson_r;
  };
  compared(mean, rmse, r);
  compared(survey.wiener, rmse_wiener, r_wiener);
  compared(survey.deepmass, rmse_deepmass, r_deepmass);
  const Widths seen = widths(survey, mean, true), unseen = widths(survey, mean, false);
  f[rmse_many] = std::sqrt(std::max(
      f[rmse] * f[rmse] - seen.variance / std::max(seen.pixels, 1.0) / static_cast<double>(samples_), 0.0));
  f[z_deviation] = std::sqrt(seen.z2 / seen.pixels);
  f[z_unobserved] = unseen.pixels > 0.0 ? std::sqrt(unseen.z2 / unseen.pixels) : 0.0;
  f[spread] = std::sqrt(seen.error / seen.variance);
  f[tarp_pixels] = nearer(survey, 0.0);
  f[tarp_smooth] = nearer(survey, 2.0 * radians_per_arcmin);
  const auto describe = [&](const std::vector<double>& map, double share, Figure rms, Figure skew,
                            Figure peaks) {
    const std::vector<double> all(map.size(), 1.0);
    f[rms] += share * statistics::moments(*field_, map, all).rms;
    f[skew] += share * skewness(*field_, map);
    const std::vector<double> one = harmonic::smoothed(*field_, map, radians_per_arcmin);
    f[skew + 1] += share * skewness(*field_, one);
    f[skew + 2] += share * skewness(*field_, harmonic::smoothed(*field_, map, 2.0 * radians_per_arcmin));
    count_peaks(*field_, one, share, &f[peaks]);
  };
  describe(survey.truth, 1.0, truth_rms, truth_skewness, truth_peaks);
  for (const auto& sample : survey.samples)
    describe(sample, 1.0 / static_cast<double>(samples_), sample_rms, sample_skewness, sample_peaks);
  count_peaks(*field_, harmonic::smoothed(*field_, mean, radians_per_arcmin), 1.0, &f[mean_peaks]);
  rank_maps(survey, mean);
  compare_power(survey, mean);
  figures_.push_back(std::move(f));
}

double uniformity(const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double chi2 = 0.0;
  for (const double count : counts) chi2 += std::pow(count - expected, 2) / expected;
  return chi2_exceeded(chi2, static_cast<double>(counts.size()) - 1.0);
}

}  // namespace tessera::posterior
