#include "harmonic/smoothing.hpp"

namespace tessera::harmonic {

std::vector<double> smoothed(const HarmonicBasis& basis, ConstPixels map, double sigma) {
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(map, modes);
  const auto ell = basis.ell();
  for (std::size_t k = 0; k < modes.size(); ++k)
    modes[k] *= basis.pixel_area() * gaussian_damping(ell[k], sigma);
  std::vector<double> result(map.size());
  basis.synthesis(modes, result);
  return result;
}

}  // namespace tessera::harmonic
