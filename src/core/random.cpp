#include "core/random.hpp"

#include <cmath>
#include <numbers>
#include <random>

// philox.h defines what MicroURNG.hpp uses.
// clang-format off
#include <Random123/philox.h>
#include <Random123/MicroURNG.hpp>
// clang-format on

#include "core/error.hpp"

namespace tessera {
namespace {

using Philox = r123::Philox4x32;

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); }

/// 53 bits to the open interval (0, 1).
double to_uniform(std::uint64_t word) { return (static_cast<double>(word >> 11U) + 0.5) * 0x1.0p-53; }

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t realisation)
    : seed_(seed), stream_((static_cast<std::uint32_t>(purpose) << 24U) | realisation) {
  TESSERA_REQUIRE(realisation < (1U << 24U));
}

std::array<std::uint64_t, 2> RandomStream::words(std::uint64_t index, std::uint32_t draw) const {
  const Philox::ctr_type counter{{low(index), high(index), stream_, draw}};
  const Philox::key_type key{{low(seed_), high(seed_)}};
  const Philox::ctr_type block = Philox{}(counter, key);
  return {(static_cast<std::uint64_t>(block[1]) << 32U) | block[0],
          (static_cast<std::uint64_t>(block[3]) << 32U) | block[2]};
}

std::array<double, 2> RandomStream::uniforms(std::uint64_t index, std::uint32_t draw) const {
  const auto word = words(index, draw);
  return {to_uniform(word[0]), to_uniform(word[1])};
}

std::array<double, 2> RandomStream::normals(std::uint64_t index, std::uint32_t draw) const {
  const auto [u, v] = uniforms(index, draw);
  const double radius = std::sqrt(-2.0 * std::log(u));
  const double angle = 2.0 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

std::uint64_t RandomStream::poisson(double mean, std::uint64_t index) const {
  TESSERA_REQUIRE(mean >= 0.0);
  constexpr double small = 16.0;
  if (mean < small) {  // by inversion: one random number, and for rare events one comparison
    const double u = uniforms(index)[0];
    if (u <= 1.0 - mean) return 0;  // below exp(-mean), without computing it
    double term = std::exp(-mean), sum = term;
    std::uint64_t count = 0;
    while (u > sum && term > 0.0) {
      term *= mean / static_cast<double>(++count);
      sum += term;
    }
    return count;
  }
  const Philox::ctr_type counter{{low(index), high(index), stream_, 0}};
  const Philox::key_type key{{low(seed_), high(seed_)}};
  r123::MicroURNG<Philox> generator(counter, key);
  return std::poisson_distribution<std::uint64_t>(mean)(generator);
}

}  // namespace tessera
