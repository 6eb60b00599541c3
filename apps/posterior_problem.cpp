#include "apps/posterior_problem.hpp"

#include <algorithm>

#include "posterior/pixel_spectrum.hpp"

namespace tessera::apps {

PosteriorProblem::PosteriorProblem(const PosteriorInput& input, bool pixel_window, std::uint64_t side)
    : input_(input),
      spectrum_(posterior::pixel_spectrum(
          *input.basis, inference::SignalCovariance(*input.basis, {*input.spectrum}, pixel_window))),
      data_(*input.gamma1) {
  data_.insert(data_.end(), input.gamma2->begin(), input.gamma2->end());
  for (int component = 0; component < 2; ++component)
    for (const double sigma : *input.noise_sigma) variance_.push_back(sigma * sigma);
  if (input.model != nullptr)
    residual_ = input.model->residual(basis().comm(), basis(), spectrum_, input.field, input.box, side);
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
