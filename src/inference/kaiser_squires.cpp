#include "inference/kaiser_squires.hpp"

#include <cmath>
#include <vector>

namespace tessera::inference {

void kaiser_squires(const harmonic::HarmonicBasis& basis, harmonic::ConstPixels gamma1,
                    harmonic::ConstPixels gamma2, double smoothing, harmonic::Pixels kappa_e,
                    harmonic::Pixels kappa_b) {
  std::vector<harmonic::Complex> e_modes(basis.mode_count()), b_modes(basis.mode_count());
  basis.shear_synthesis_adjoint(gamma1, gamma2, e_modes, b_modes);
  const auto ell = basis.ell();
  for (std::size_t k = 0; k < ell.size(); ++k) {
    // The transpose has the factor of shear once, the inverse its reciprocal.
    const double factor = basis.shear_factor(ell[k]);
    const double beam = factor > 0.0 ? basis.pixel_area() / (factor * factor) *
                                           std::exp(-0.5 * ell[k] * ell[k] * smoothing * smoothing)
                                     : 0.0;
    e_modes[k] *= beam;
    b_modes[k] *= beam;
  }
  basis.synthesis(e_modes, kappa_e);
  basis.synthesis(b_modes, kappa_b);
}

}  // namespace tessera::inference
