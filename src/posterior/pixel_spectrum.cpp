#include "posterior/pixel_spectrum.hpp"

namespace tessera::posterior {

std::vector<double> pixel_spectrum(const harmonic::HarmonicBasis& basis,
                                   const inference::SignalCovariance& signal) {
  std::vector<double> spectrum(basis.mode_count());
  for (std::size_t k = 0; k < spectrum.size(); ++k) {
    const double root = signal.root(0, 0, k);
    spectrum[k] = root * root / basis.pixel_area();
  }
  return spectrum;
}

}  // namespace tessera::posterior
