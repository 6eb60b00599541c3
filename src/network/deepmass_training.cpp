#include "network/deepmass_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "inference/kaiser_squires.hpp"
#include "inference/wiener_map.hpp"
#include "mpi/agreement.hpp"
#include "network/deepmass.hpp"
#include "network/map_tensors.hpp"
#include "sky/angles.hpp"
#include "statistics/map_comparison.hpp"
#include "statistics/mean_error.hpp"

namespace tessera::network {
namespace {

constexpr double weight_without_data = 0.1;
constexpr double band_low = 1000.0, band_high = 5000.0;  // ell of the scores of power on the plane

torch::Tensor cut(const torch::Tensor& maps, const Cutout& cutout, std::int64_t halo) {
  torch::Tensor part = maps;
  if (cutout.side > 0) part = maps.roll({-cutout.y, -cutout.x}, {2, 3});
  part = bordered(part, halo);
  if (cutout.side > 0) part = part.slice(2, 0, cutout.side + 2 * halo).slice(3, 0, cutout.side + 2 * halo);
  return turned(part, cutout.symmetry);
}

}  // namespace

Surveyor::Surveyor(const harmonic::HarmonicBasis& basis, const theory::PowerSpectrum& spectrum,
                   bool pixel_window, simulate::SurveyPrior prior, std::uint64_t seed,
                   inference::CgOptions cg)
    : basis_(&basis),
      prior_(std::move(prior)),
      seed_(seed),
      cg_(cg),
      shear_(basis),
      signal_(basis, {spectrum}, pixel_window) {}

SurveyedSky Surveyor::survey(std::vector<double> kappa, std::uint32_t realisation,
                             std::optional<simulate::Range> density) const {
  simulate::SurveyPrior prior = prior_;
  if (density) prior.density = *density;
  SurveyedSky sky;
  const auto* const plane = dynamic_cast<const harmonic::PlaneBasis*>(basis_);
  sky.survey = plane != nullptr ? simulate::observe(*plane, kappa, prior, seed_, realisation)
                                : simulate::observe(dynamic_cast<const harmonic::SphereBasis&>(*basis_),
                                                    kappa, prior, seed_, realisation);
  sky.kappa = std::move(kappa);
  sky.wiener = wiener(sky.survey);
  return sky;
}

std::vector<double> Surveyor::wiener(const simulate::MockSurvey& survey) const {
  const std::vector<double> information = inference::shear_information(survey.noise_sigma);
  const inference::GaussianPosterior posterior(*basis_, shear_, signal_, information);
  return inference::wiener_map(*basis_, posterior, survey.gamma1, survey.gamma2, cg_).kappa;
}

DeepMassMapsOfSky deepmass_training_maps(const harmonic::HarmonicBasis& basis, const SurveyedSky& sky) {
  const std::size_t n = basis.pixel_count();
  DeepMassMapsOfSky maps{std::vector<double>(deepmass_inputs * n), std::vector<double>(2 * n)};
  fill_deepmass_inputs(basis, sky.wiener, sky.survey.noise_sigma, maps.inputs);
  for (std::size_t p = 0; p < n; ++p) {
    maps.wanted[p] = (sky.kappa[p] - sky.wiener[p]) / deepmass_kappa_unit;
    maps.wanted[n + p] = sky.survey.noise_sigma[p] > 0.0 ? 1.0 : weight_without_data;
  }
  return maps;
}

Example deepmass_example(const harmonic::PlaneBasis& basis, const SurveyedSky& sky, const NetworkShape& shape,
                         const Cutout& cutout) {
  DeepMassMapsOfSky maps = deepmass_training_maps(basis, sky);
  const auto channels = static_cast<std::int64_t>(deepmass_inputs);
  const torch::Tensor wanted = cut(as_tensor(maps.wanted, 2, basis), cutout, 0);
  return {cut(as_tensor(maps.inputs, channels, basis), cutout, shape.halo()), wanted.slice(1, 0, 1),
          wanted.slice(1, 1, 2)};
}

Example deepmass_example(const SphereWindows& windows, const DeepMassMapsOfSky& maps, std::uint64_t tile,
                         bool distortion) {
  const torch::Tensor wanted = windows.core(maps.wanted, tile);
  return {windows.window(maps.inputs, tile, distortion), wanted.slice(1, 0, 1), wanted.slice(1, 1, 2)};
}

LossFunction deepmass_loss(double variance_share) {
  return [variance_share](UNetImpl& network, const Example& example) {
    const torch::Tensor out =
        inner(network.forward(example.inputs), (example.inputs.size(2) - example.target.size(2)) / 2);
    const torch::Tensor weight = example.weight / example.weight.sum();
    const torch::Tensor square = (out.slice(1, 0, 1) - example.target).square();
    const torch::Tensor mean_square = (weight * square).sum();
    const double before = (weight * example.target.square()).sum().item<double>();
    Loss loss{mean_square, mean_square.item<double>() / before};
    if (out.size(1) > 1) {
      const torch::Tensor log_variance = out.slice(1, 1, 2);
      const torch::Tensor surprise = log_variance + square.detach() * torch::exp(-log_variance);
      loss.total = mean_square + variance_share * (weight * surprise).sum();
    }
    return loss;
  };
}

namespace {

/// What is measured of one survey; sums and means over surveys make a HeldOutScore.
enum Column : std::size_t {
  rmse,
  ratio,
  ks_ratio,
  r_wiener,
  r_network,
  power,
  power_wiener,
  within_1,
  within_2,
  z_mean,
  z_square,
  columns
};
using Figures = std::array<double, columns>;

Figures figures(const std::shared_ptr<Network>& network, const harmonic::HarmonicBasis& basis,
                const exchange::Tiling& tiling, const SurveyedSky& sky) {
  DeepMass deepmass(basis, network, tiling);
  const auto& sigma = sky.survey.noise_sigma;
  const DeepMassMaps maps = deepmass.evaluate(sky.wiener, sigma);
  std::vector<double> ks(basis.pixel_count()), ks_b(basis.pixel_count());
  const double smoothing = std::max(radians_per_arcmin, std::sqrt(basis.pixel_area()));
  inference::kaiser_squires(basis, sky.survey.gamma1, sky.survey.gamma2, smoothing, ks, ks_b);
  const auto* const sphere = dynamic_cast<const harmonic::SphereBasis*>(&basis);
  const auto lmax = static_cast<double>(sphere != nullptr ? sphere->lmax() : 0);
  const std::vector<double> band =
      sphere != nullptr ? std::vector{0.2 * lmax, lmax + 0.5} : std::vector{band_low, band_high};
  const auto compared = [&](const std::vector<double>& map) {
    return statistics::compare_maps(basis, map, sky.kappa, sigma, band);
  };
  const statistics::MapComparison ours = compared(maps.mean), wiener = compared(sky.wiener);
  Figures f{};
  f[rmse] = ours.rmse;
  f[ratio] = ours.rmse / wiener.rmse;
  f[ks_ratio] = ours.rmse / compared(ks).rmse;
  f[r_wiener] = wiener.pearson_r;
  f[r_network] = ours.pearson_r;
  f[power] = ours.bands[0].power_ratio;
  f[power_wiener] = wiener.bands[0].power_ratio;
  double pixels = 0.0;
  for (std::size_t p = 0; p < maps.deviation.size(); ++p) {
    if (!(sigma[p] > 0.0)) continue;
    const double z = (sky.kappa[p] - maps.mean[p]) / maps.deviation[p];
    pixels += 1.0;
    f[within_1] += std::abs(z) < 1.0 ? 1.0 : 0.0;
    f[within_2] += std::abs(z) < 2.0 ? 1.0 : 0.0;
    f[z_mean] += z;
    f[z_square] += z * z;
  }
  for (const Column column : {within_1, within_2, z_mean, z_square}) f[column] /= std::max(pixels, 1.0);
  return f;
}

}  // namespace

HeldOutScore score_deepmass(const mpi::Communicator& comm, const std::shared_ptr<Network>& network,
                            const Surveyor& surveyor, const exchange::Tiling& tiling,
                            const std::function<std::vector<double>(std::uint64_t)>& sky,
                            std::uint64_t surveys, std::uint32_t first, double density,
                            const std::function<void()>& after_round) {
  std::vector<double> all(surveys * columns, 0.0);
  const auto score = [&](std::uint64_t i) {
    const SurveyedSky seen =
        surveyor.survey(sky(i), first + static_cast<std::uint32_t>(i), {{density, density}});
    const Figures f = figures(network, surveyor.basis(), tiling, seen);
    std::copy(f.begin(), f.end(), all.begin() + static_cast<std::ptrdiff_t>(i * columns));
  };
  mpi::deal_out(comm, surveys, score, after_round);
  comm.sum(std::span(all));
  // Of a function of a survey's figures.
  const auto over_surveys = [&](auto value) {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < surveys; ++i) values.push_back(value(all.data() + i * columns));
    return statistics::mean_error(values);
  };
  const auto mean = [&](auto value) { return over_surveys(value).mean; };
  const auto error = [&](auto value) { return over_surveys(value).error; };
  const auto column = [](Column c) { return [c](const double* f) { return f[c]; }; };
  HeldOutScore s{};
  s.density = density;
  s.surveys = static_cast<double>(surveys);
  s.rmse = mean(column(rmse));
  s.rmse_error = error(column(rmse));
  s.ratio = mean(column(ratio));
  s.ratio_error = error(column(ratio));
  s.ks_ratio = mean(column(ks_ratio));
  s.ks_ratio_error = error(column(ks_ratio));
  s.r_wiener = mean(column(r_wiener));
  s.r = mean(column(r_network));
  s.r_gain_error = error([](const double* f) { return f[r_network] - f[r_wiener]; });
  s.power = mean(column(power));
  s.power_wiener = mean(column(power_wiener));
  s.within_1 = mean(column(within_1));
  s.within_2 = mean(column(within_2));
  s.z_deviation = std::sqrt(mean(column(z_square)) - std::pow(mean(column(z_mean)), 2));
  return s;
}

}  // namespace tessera::network
