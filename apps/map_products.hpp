#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/field_options.hpp"
#include "apps/map_settings.hpp"
#include "apps/networks.hpp"
#include "apps/posterior_maps.hpp"
#include "apps/stage_clock.hpp"
#include "catalogue/binning.hpp"
#include "inference/gaussian_posterior.hpp"
#include "inference/posterior_variance.hpp"
#include "inference/tile_wiener.hpp"
#include "io/map_writer.hpp"
#include "survey/survey_sky.hpp"

namespace tessera::apps {

/// What the run works on, in the order in which it is made.
struct Survey {
  std::optional<PlaneField> plane;  // nothing on the sphere
  std::unique_ptr<survey::SurveySky> sky;
  catalogue::ShearMaps data;
};

[[nodiscard]] PosteriorProblem posterior_problem(const MapSettings& settings, const Survey& survey,
                                                 const theory::PowerSpectrum& spectrum,
                                                 const ScoreModel* model);

/// Makes the maps of a survey and writes them. All collective.
class MapProducts {
 public:
  MapProducts(const MapSettings& settings, const Survey& survey, io::MapWriter& writer, StageClock& clock);

  /// Refuses windows of --wiener tile that the ranks cannot hold or that reach scales which the spectrum does
  /// not cover: with a wide margin a window is larger than the box. model: null for the Wiener map alone.
  /// Collective.
  void require_windows(const theory::PowerSpectrum& spectrum, const DeepMassModel* model) const;

  void write_data();
  void write_kaiser_squires();
  /// Everything under priors beyond the Gaussian one.
  void write_beyond_gaussian(const theory::PowerSpectrum& spectrum, const ScoreModel* model,
                             ChainSource chains);
  /// Noise of the data in the terms of a model's card. Collective.
  [[nodiscard]] double noise_level(const DeepMassModel& model);
  void write_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model);
  /// Of the joint Wiener filter's mean, as of CgReport; empty before it or without it.
  [[nodiscard]] const std::vector<double>& residuals() const { return residuals_; }

 private:
  /// What TXPipe's file of source maps calls them; bin 0 is all galaxies.
  void write_pipeline_names();
  void write_joint_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model);
  /// Filter and network tile by tile.
  void write_tile_wiener(const theory::PowerSpectrum& spectrum, const DeepMassModel* model);
  void write_tile_report(const PlaneTiles& tiles, std::uint64_t margin,
                         const inference::TileWiener::Result& result);
  std::vector<double> write_mean(const inference::GaussianPosterior& posterior);
  void write_report(const inference::CgReport& report);
  void write_deepmass(const DeepMassModel& model, const DeepMassModel::Maps& maps);
  void write_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean);
  /// Makes the draws, gathers their variance and writes them if wanted; false if one did not converge.
  bool draw_samples(const inference::GaussianPosterior& posterior, const std::vector<double>& mean,
                    inference::PosteriorVariance& estimate);
  /// Monte-Carlo error of the standard deviation over its value, in the mean over the mask.
  [[nodiscard]] double relative_error(const inference::PosteriorVariance& estimate,
                                      const std::vector<double>& deviation) const;
  void write_box(const std::string& group);
  void write(const std::string& name, const std::vector<double>& map, const io::Description& what);

  const MapSettings* settings_;
  const Survey* survey_;
  io::MapWriter* writer_;
  StageClock* clock_;
  const harmonic::HarmonicBasis& basis_;
  double noise_level_ = 0.0;  // once it is asked for
  std::vector<double> residuals_;
};

}  // namespace tessera::apps
