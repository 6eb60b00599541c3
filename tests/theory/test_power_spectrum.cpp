#include <cmath>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "theory/power_spectrum.hpp"

using namespace tessera;
using theory::PowerSpectrum;

TEST_CASE("a spectrum is interpolated as a power law and never extrapolated") {
  const PowerSpectrum spectrum({10.0, 100.0, 1000.0}, {1e-3, 1e-5, 1e-8}, "test");
  CHECK(spectrum(10.0) == Approx(1e-3));
  CHECK(spectrum(std::sqrt(1000.0)) == Approx(1e-4));
  CHECK(spectrum(1000.0) == Approx(1e-8));
  CHECK(spectrum(0.0) == 0.0);
  CHECK_NOTHROW(spectrum.require_coverage(10.0, 1000.0));
  CHECK_THROWS_AS(spectrum.require_coverage(9.0, 1000.0), Error);
  CHECK_THROWS_AS(spectrum.require_coverage(10.0, 1001.0), Error);
}

TEST_CASE("a spectrum that is no spectrum is refused") {
  CHECK_THROWS_AS(PowerSpectrum({10.0}, {1.0}, "short"), Error);
  CHECK_THROWS_AS(PowerSpectrum({10.0, 20.0}, {1.0, NAN}, "nan"), Error);
  CHECK_THROWS_AS(PowerSpectrum({10.0, 20.0}, {1.0, -1.0}, "negative"), Error);
  CHECK_THROWS_AS(PowerSpectrum({10.0, 10.0}, {1.0, 1.0}, "not increasing"), Error);
}
