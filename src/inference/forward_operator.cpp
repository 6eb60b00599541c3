#include "inference/forward_operator.hpp"

namespace tessera::inference {
namespace {

/// Diagonal of A^T N^-1 A of a shear field: each mode is seen by one or the other component of shear.
double shear_diagonal(const HarmonicBasis& basis, double mean_inverse1, double mean_inverse2) {
  return 0.5 * (mean_inverse1 + mean_inverse2) / basis.pixel_area();
}

}  // namespace

void ShearOperator::apply(ConstModes modes, Pixels data) const {
  const std::size_t n_modes = basis_->mode_count();
  const std::size_t n_pixels = basis_->pixel_count();
  for (std::size_t c = 0; c < components_; ++c)
    basis_->shear_synthesis(modes.subspan(c * n_modes, n_modes), {}, data.subspan(2 * c * n_pixels, n_pixels),
                            data.subspan((2 * c + 1) * n_pixels, n_pixels));
}

void ShearOperator::apply_adjoint(ConstPixels data, Modes modes) const {
  const std::size_t n_modes = basis_->mode_count();
  const std::size_t n_pixels = basis_->pixel_count();
  for (std::size_t c = 0; c < components_; ++c)
    basis_->shear_synthesis_adjoint(data.subspan(2 * c * n_pixels, n_pixels),
                                    data.subspan((2 * c + 1) * n_pixels, n_pixels),
                                    modes.subspan(c * n_modes, n_modes), {});
}

double ShearOperator::normal_diagonal(std::size_t component,
                                      std::span<const double> mean_inverse_variance) const {
  return shear_diagonal(*basis_, mean_inverse_variance[2 * component],
                        mean_inverse_variance[2 * component + 1]);
}

void WholeShearOperator::apply(ConstModes modes, Pixels data) const {
  const std::size_t n_modes = basis_->mode_count(), n_pixels = basis_->pixel_count();
  basis_->shear_synthesis(modes.first(n_modes), modes.subspan(n_modes, n_modes), data.first(n_pixels),
                          data.subspan(n_pixels, n_pixels));
}

void WholeShearOperator::apply_adjoint(ConstPixels data, Modes modes) const {
  const std::size_t n_modes = basis_->mode_count(), n_pixels = basis_->pixel_count();
  basis_->shear_synthesis_adjoint(data.first(n_pixels), data.subspan(n_pixels, n_pixels),
                                  modes.first(n_modes), modes.subspan(n_modes, n_modes));
}

double WholeShearOperator::normal_diagonal(std::size_t /*component*/,
                                           std::span<const double> mean_inverse_variance) const {
  return shear_diagonal(*basis_, mean_inverse_variance[0], mean_inverse_variance[1]);
}

void DirectOperator::apply(ConstModes modes, Pixels data) const {
  for (std::size_t c = 0; c < components_; ++c)
    basis_->synthesis(modes.subspan(c * basis_->mode_count(), basis_->mode_count()),
                      data.subspan(c * basis_->pixel_count(), basis_->pixel_count()));
}

void DirectOperator::apply_adjoint(ConstPixels data, Modes modes) const {
  for (std::size_t c = 0; c < components_; ++c)
    basis_->synthesis_adjoint(data.subspan(c * basis_->pixel_count(), basis_->pixel_count()),
                              modes.subspan(c * basis_->mode_count(), basis_->mode_count()));
}

double DirectOperator::normal_diagonal(std::size_t component,
                                       std::span<const double> mean_inverse_variance) const {
  return mean_inverse_variance[component] / basis_->pixel_area();
}

}  // namespace tessera::inference
