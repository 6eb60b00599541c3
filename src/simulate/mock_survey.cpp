#include "simulate/mock_survey.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "simulate/random_field.hpp"
#include "simulate/sphere_mask.hpp"
#include "simulate/survey_mask.hpp"
#include "sky/angles.hpp"

namespace tessera::simulate {
namespace {

// Standard deviation of the Gaussian that depth varies on: arcmin, and on the sphere at least so many pixels.
constexpr double patch_arcmin = 5.0, patch_pixels = 4.0;

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
    default:
      fail("the footprint {} is of the sphere; on the plane there are full, starry, cosmos",
           name_of(footprint));
  }
}

std::unique_ptr<SphereMask> make_mask(Footprint footprint, std::uint64_t seed) {
  switch (footprint) {
    case Footprint::full:
      return full_sky_mask();
    case Footprint::des:
      return des_like_mask(seed);
    case Footprint::patchy:
      return patchy_mask(seed);
    default:
      fail("the footprint {} is of the plane; on the sphere there are full, des, patchy", name_of(footprint));
  }
}

/// ln of the density over its mean, up to a constant.
std::vector<double> log_density(const harmonic::HarmonicBasis& basis, double scale, double rms,
                                std::uint64_t seed, std::uint32_t realisation) {
  std::vector<harmonic::Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(seed, Purpose::survey_depth, realisation), harmonic::Modes(modes));
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
    case Footprint::des:
      return "des";
    case Footprint::patchy:
      return "patchy";
  }
  return "";
}

namespace {

/// What one survey is drawn with.
struct SurveyDraw {
  double density, sigma_e;
  bool even;
  Footprint footprint;
  std::uint64_t mask_seed;
};

SurveyDraw draw_survey(const SurveyPrior& prior, std::uint64_t seed, std::uint32_t realisation) {
  const RandomStream parameters(seed, Purpose::survey_parameter, realisation);
  const auto [which, depth] = parameters.uniforms(footprint_and_density);
  const auto [dispersion, evenness] = parameters.uniforms(sigma_and_evenness);
  const auto kind = static_cast<std::size_t>(which * static_cast<double>(prior.footprints.size()));
  // Every survey has stars of its own.
  return {prior.density.low * std::pow(prior.density.high / prior.density.low, depth),
          within(prior.sigma_e, dispersion), evenness < prior.even_share, prior.footprints[kind],
          seed + 0x9E3779B97F4A7C15ULL * realisation};
}

/// Galaxies and noise on the shear of kappa. coverage: part of a local pixel that is observed; number: of a
/// local pixel, for its random numbers.
template <class Coverage, class Number>
MockSurvey observed(const harmonic::HarmonicBasis& basis, std::span<const double> kappa,
                    const SurveyDraw& draw, const std::vector<double>& log_of_density, std::uint64_t seed,
                    std::uint32_t realisation, Coverage&& coverage, Number&& number) {
  MockSurvey survey{draw.density, draw.sigma_e, {}, {}, std::vector<double>(basis.pixel_count())};
  Sky sky = with_shear(basis, {kappa.begin(), kappa.end()});
  survey.gamma1 = std::move(sky.gamma1);
  survey.gamma2 = std::move(sky.gamma2);
  const RandomStream counts(seed, Purpose::galaxy_count, realisation);
  const RandomStream noise(seed, Purpose::data_white_noise, realisation);
  const double mean = survey.density * basis.pixel_area() / (radians_per_arcmin * radians_per_arcmin);
  for (std::size_t p = 0; p < survey.noise_sigma.size(); ++p) {
    const std::uint64_t pixel = number(p);
    const double covered = coverage(p);
    double galaxies = 0.0;
    if (covered > 0.0)
      galaxies =
          draw.even
              ? mean
              : static_cast<double>(counts.poisson(covered * mean * std::exp(log_of_density[p]), pixel));
    const double sigma = galaxies > 0.0 ? survey.sigma_e / std::sqrt(galaxies) : 0.0;
    const auto white = noise.normals(pixel);
    survey.noise_sigma[p] = sigma;
    survey.gamma1[p] = sigma > 0.0 ? survey.gamma1[p] + sigma * white[0] : 0.0;
    survey.gamma2[p] = sigma > 0.0 ? survey.gamma2[p] + sigma * white[1] : 0.0;
  }
  return survey;
}

}  // namespace

MockSurvey observe(const harmonic::PlaneBasis& basis, std::span<const double> kappa, const SurveyPrior& prior,
                   std::uint64_t seed, std::uint32_t realisation) {
  const SurveyDraw draw = draw_survey(prior, seed, realisation);
  const PlaneGrid field({0.0, 0.0}, basis.nx(), basis.ny(),
                        std::sqrt(basis.pixel_area()) / radians_per_arcmin);
  const auto mask = make_mask(draw.footprint, field, draw.mask_seed);
  const auto number = [&](std::size_t p) { return basis.first_pixel() + p; };
  return observed(
      basis, kappa, draw,
      log_density(basis, patch_arcmin * radians_per_arcmin, prior.unevenness, seed, realisation), seed,
      realisation,
      [&](std::size_t p) {
        const std::uint64_t pixel = number(p);
        const std::uint64_t column = pixel % basis.nx(), row = pixel / basis.nx();
        return mask->observes({static_cast<double>(column), static_cast<double>(row)}) ? 1.0 : 0.0;
      },
      number);
}

MockSurvey observe(const harmonic::SphereBasis& basis, std::span<const double> kappa,
                   const SurveyPrior& prior, std::uint64_t seed, std::uint32_t realisation) {
  const SurveyDraw draw = draw_survey(prior, seed, realisation);
  const auto mask = make_mask(draw.footprint, draw.mask_seed);
  const HealpixGrid& grid = basis.grid();
  const double scale = std::max(patch_arcmin * radians_per_arcmin, patch_pixels * grid.pixel_radians());
  const auto number = [&](std::size_t p) {
    return grid.nested_index(basis.rings().ring_index(basis.first_pixel() + p));
  };
  return observed(
      basis, kappa, draw, log_density(basis, scale, prior.unevenness, seed, realisation), seed, realisation,
      [&](std::size_t p) {
        // Holes are as small as pixels.
        double covered = 0.0;
        const std::uint64_t pixel = number(p);
        for (const double x : {0.25, 0.75})
          for (const double y : {0.25, 0.75})
            covered += mask->observes(grid.within(pixel, x, y)) ? 0.25 : 0.0;
        return covered;
      },
      number);
}

}  // namespace tessera::simulate
