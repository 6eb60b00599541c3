#include "inference/wiener_map.hpp"

namespace tessera::inference {

std::vector<double> shear_information(std::span<const double> noise_sigma) {
  const std::size_t n = noise_sigma.size();
  std::vector<double> values(2 * n);
  for (std::size_t p = 0; p < n; ++p)
    values[p] = values[n + p] = noise_sigma[p] > 0.0 ? 1.0 / (noise_sigma[p] * noise_sigma[p]) : 0.0;
  return values;
}

std::vector<double> shear_variance(std::span<const double> noise_sigma) {
  const std::size_t n = noise_sigma.size();
  std::vector<double> values(2 * n);
  for (std::size_t p = 0; p < n; ++p) values[p] = values[n + p] = noise_sigma[p] * noise_sigma[p];
  return values;
}

std::vector<double> shear_data(ConstPixels gamma1, ConstPixels gamma2) {
  std::vector<double> data(gamma1.begin(), gamma1.end());
  data.insert(data.end(), gamma2.begin(), gamma2.end());
  return data;
}

WienerMap wiener_map(const HarmonicBasis& basis, const GaussianPosterior& posterior, ConstPixels gamma1,
                     ConstPixels gamma2, const CgOptions& options,
                     const std::function<void(double)>& observe) {
  const std::vector<double> data = shear_data(gamma1, gamma2);
  std::vector<Complex> x(basis.mode_count());
  WienerMap map{std::vector<double>(basis.pixel_count()), posterior.mean(data, x, options, observe)};
  posterior.synthesis(x, map.kappa);
  return map;
}

}  // namespace tessera::inference
