#include "apps/posterior_problem.hpp"

#include "inference/wiener_map.hpp"
#include "posterior/learned_domain.hpp"
#include "posterior/pixel_spectrum.hpp"

namespace tessera::apps {

PosteriorProblem::PosteriorProblem(const PosteriorInput& input, bool pixel_window, std::uint64_t side)
    : input_(input),
      spectrum_(posterior::pixel_spectrum(
          input.sky->basis(),
          inference::SignalCovariance(input.sky->basis(), {*input.spectrum}, pixel_window))),
      data_(inference::shear_data(*input.gamma1, *input.gamma2)),
      variance_(inference::shear_variance(*input.noise_sigma)) {
  if (input.model != nullptr)
    residual_ = input.model->residual(
        sky(), spectrum_, side,
        posterior::learned_domain(basis(), harmonic::ConstPixels(variance_).first(basis().pixel_count()),
                                  input.prior_reach));
}

double PosteriorProblem::fingerprint() const {
  return basis().dot(harmonic::ConstPixels(*input_.gamma1), harmonic::ConstPixels(*input_.noise_sigma));
}

}  // namespace tessera::apps
