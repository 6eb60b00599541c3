// Tables of spectra, and of redshift distributions. The first two bytes are options.
#include <array>
#include <cmath>

#include "core/log.hpp"
#include "fuzz/fuzz.hpp"
#include "theory/source_distribution.hpp"
#include "theory/spectrum_file.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t options = 2;
  if (size < options) return 0;
  log::configure(log::Verbosity::quiet, false);
  fuzz::Choices choices(data, options);
  using theory::SpectrumKind;
  constexpr std::array kinds{SpectrumKind::from_header, SpectrumKind::c_ell, SpectrumKind::d_ell};
  constexpr std::array columns{"", "2", "3", "C_ell", "name:2", "number:3", "W1xW1"};
  const theory::SpectrumChoice choice{choices.of(columns), choices.of(kinds)};
  const fuzz::MemoryFile file(data + options, size - options);
  fuzz::refusing([&] {
    const theory::PowerSpectrum spectrum = theory::read_spectrum(file.path(), choice);
    for (const double ell : {spectrum.ell().front(), spectrum.ell().back(),
                             std::sqrt(spectrum.ell().front()) * std::sqrt(spectrum.ell().back())}) {
      const double power = spectrum(ell);
      fuzz::require(power > 0.0 && std::isfinite(power), "a spectrum that is no power");
    }
  });
  fuzz::refusing([&] {
    const auto sources = theory::SourceDistribution::read(file.path(), choice.column);
    fuzz::require(std::isfinite(sources.mean()) && sources.mean() >= 0.0, "no mean redshift");
  });
  return 0;
}
