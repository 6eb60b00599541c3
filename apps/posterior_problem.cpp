#include "apps/posterior_problem.hpp"

#include <algorithm>

#include "inference/wiener_map.hpp"
#include "posterior/learned_domain.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::apps {

PosteriorProblem::PosteriorProblem(const PosteriorInput& input, bool pixel_window, std::uint64_t side)
    : input_(input),
      spectrum_(posterior::pixel_spectrum(
          *input.basis, inference::SignalCovariance(*input.basis, {*input.spectrum}, pixel_window))),
      data_(inference::shear_data(*input.gamma1, *input.gamma2)),
      variance_(inference::shear_variance(*input.noise_sigma)) {
  if (input.model != nullptr)
    residual_ = input.model->residual(
        basis().comm(), basis(), spectrum_, input.field, input.box, side,
        posterior::learned_domain(basis(), harmonic::ConstPixels(variance_).first(basis().pixel_count()),
                                  input.prior_reach));
}

double PosteriorProblem::fingerprint() const {
  return basis().dot(harmonic::ConstPixels(*input_.gamma1), harmonic::ConstPixels(*input_.noise_sigma));
}

std::uint64_t PosteriorProblem::field_rows() const {
  const std::uint64_t first = basis().first_row(), ny = input_.field.ny();
  return first >= ny ? 0 : std::min(basis().local_rows(), ny - first);
}

std::vector<double> PosteriorProblem::cropped(const std::vector<double>& map) const {
  const std::uint64_t nx = input_.field.nx();
  std::vector<double> part(field_pixels());
  for (std::uint64_t row = 0; row < field_rows(); ++row)
    std::copy_n(map.begin() + static_cast<std::ptrdiff_t>(row * basis().nx()), nx,
                part.begin() + static_cast<std::ptrdiff_t>(row * nx));
  return part;
}

io::BoxRows PosteriorProblem::rows_of_field(const std::vector<double>& cropped_map) const {
  // A rank without rows of the field stands behind it.
  return {cropped_map, std::min(basis().first_row(), input_.field.ny()), input_.field.nx()};
}

}  // namespace tessera::apps
