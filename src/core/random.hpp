#pragma once

#include <array>
#include <cstdint>

namespace tessera {

/// What a random number is used for; two purposes never share numbers. Append only: the values fix the bits.
enum class Purpose : std::uint32_t {
  prior_white_noise = 1,
  data_white_noise = 2,
  truth_field = 3,
  galaxy_count = 4,
  galaxy_position = 5,
  galaxy_ellipticity = 6,
  star_mask = 7,
  halo_field = 8,
  halo_count = 9,
  halo_property = 10,
  sky_parameter = 11,
  survey_parameter = 12,
  survey_depth = 13,
  training_example = 14,
  score_level = 15,
  score_noise = 16,
  chain_momentum = 17,
  chain_acceptance = 18,
  descent_noise = 19,
  chain_seed = 20,
  calibration = 21,
  held_out_sky = 22,
  sphere_mask = 23,
  test = 255,
};

/// Random numbers that belong to places: a number depends on (seed, purpose, realisation, index, draw) and on
/// nothing else, so any rank can make the numbers of its own modes, pixels or galaxies in any order.
/// Generator: Philox4x32-10 (Salmon et al. 2011, Random123).
class RandomStream {
 public:
  /// realisation < 2^24 tells apart repeated draws for one purpose (sample 0, 1, 2, ...).
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t realisation = 0);

  /// Two independent standard normals of place `index`.
  [[nodiscard]] std::array<double, 2> normals(std::uint64_t index, std::uint32_t draw = 0) const;

  /// Two independent uniforms in (0, 1) of place `index`.
  [[nodiscard]] std::array<double, 2> uniforms(std::uint64_t index, std::uint32_t draw = 0) const;

  /// 64 random bits of place `index`: a seed for streams of their own.
  [[nodiscard]] std::uint64_t seed(std::uint64_t index) const { return words(index, 0)[0]; }

  /// A Poisson number of place `index`; mean >= 0.
  [[nodiscard]] std::uint64_t poisson(double mean, std::uint64_t index) const;

 private:
  [[nodiscard]] std::array<std::uint64_t, 2> words(std::uint64_t index, std::uint32_t draw) const;

  std::uint64_t seed_;
  std::uint32_t stream_;
};

}  // namespace tessera
