#include "simulate/mock_survey.hpp"

#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "simulate/random_field.hpp"
#include "simulate/survey_mask.hpp"
#include "sky/angles.hpp"

namespace tessera::simulate {
namespace {

constexpr double patch_arcmin = 5.0;  // standard deviation of the Gaussian that depth varies on

/// Places of the numbers that one survey is drawn with.
enum Draw : std::uint64_t { footprint_and_density, sigma_and_evenness };

std::unique_ptr<SurveyMask> make_mask(Footprint footprint, const PlaneGrid& field, std::uint64_t seed) {
  switch (footprint) {
    case Footprint::full:
      return full_mask();
    case Footprint::starry:
      return starry_mask(field, seed);
    case Footprint::cosmos:
      return cosmos_like_mask(field, seed);
  }
  fail("unknown footprint");
}

/// ln of the density over its mean, up to a constant.
std::vector<double> log_density(const harmonic::PlaneBasis& basis, double rms, std::uint64_t seed,
                                std::uint32_t realisation) {
  std::vector<harmonic::Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(seed, Purpose::survey_depth, realisation), harmonic::Modes(modes));
  const double scale = patch_arcmin * radians_per_arcmin;
  // White noise of unit power smoothed by a Gaussian has the variance 1 / (4 pi scale^2).
  const double norm = rms * scale * std::sqrt(4.0 * std::numbers::pi);
  for (std::size_t k = 0; k < modes.size(); ++k) {
    const double x = basis.ell()[k] * scale;
    modes[k] *= norm * std::exp(-0.5 * x * x);
  }
  std::vector<double> field(basis.pixel_count());
  basis.synthesis(modes, field);
  return field;
}

double within(const Range& range, double u) { return range.low + u * (range.high - range.low); }

}  // namespace

const char* name_of(Footprint footprint) {
  switch (footprint) {
    case Footprint::full:
      return "full";
    case Footprint::starry:
      return "starry";
    case Footprint::cosmos:
      return "cosmos";
  }
  return "";
}

MockSurvey observe(const harmonic::PlaneBasis& basis, std::span<const double> kappa, const SurveyPrior& prior,
                   std::uint64_t seed, std::uint32_t realisation) {
  const RandomStream parameters(seed, Purpose::survey_parameter, realisation);
  const auto [which, depth] = parameters.uniforms(footprint_and_density);
  const auto [dispersion, evenness] = parameters.uniforms(sigma_and_evenness);
  const bool even = evenness < prior.even_share;
  MockSurvey survey;
  survey.density = prior.density.low * std::pow(prior.density.high / prior.density.low, depth);
  survey.sigma_e = within(prior.sigma_e, dispersion);
  const auto kind = static_cast<std::size_t>(which * static_cast<double>(prior.footprints.size()));
  const PlaneGrid field({0.0, 0.0}, basis.nx(), basis.ny(),
                        std::sqrt(basis.pixel_area()) / radians_per_arcmin);
  // Every survey has stars of its own.
  const auto mask = make_mask(prior.footprints[kind], field, seed + 0x9E3779B97F4A7C15ULL * realisation);
  Sky sky = with_shear(basis, {kappa.begin(), kappa.end()});
  survey.gamma1 = std::move(sky.gamma1);
  survey.gamma2 = std::move(sky.gamma2);
  survey.noise_sigma.resize(basis.pixel_count());
  const std::vector<double> uneven = log_density(basis, prior.unevenness, seed, realisation);
  const RandomStream counts(seed, Purpose::galaxy_count, realisation);
  const RandomStream noise(seed, Purpose::data_white_noise, realisation);
  const double mean = survey.density * field.pixel_arcmin() * field.pixel_arcmin();
  for (std::size_t p = 0; p < survey.noise_sigma.size(); ++p) {
    const std::uint64_t pixel = basis.first_pixel() + p, row = pixel / basis.nx();
    const PixelPosition position{static_cast<double>(pixel % basis.nx()), static_cast<double>(row)};
    double galaxies = 0.0;
    if (mask->observes(position))
      galaxies = even ? mean : static_cast<double>(counts.poisson(mean * std::exp(uneven[p]), pixel));
    const double sigma = galaxies > 0.0 ? survey.sigma_e / std::sqrt(galaxies) : 0.0;
    const auto white = noise.normals(pixel);
    survey.noise_sigma[p] = sigma;
    survey.gamma1[p] = sigma > 0.0 ? survey.gamma1[p] + sigma * white[0] : 0.0;
    survey.gamma2[p] = sigma > 0.0 ? survey.gamma2[p] + sigma * white[1] : 0.0;
  }
  return survey;
}

}  // namespace tessera::simulate
