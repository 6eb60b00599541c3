#include "posterior/learned_domain.hpp"

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"

namespace tessera::posterior {

std::vector<double> learned_domain(const harmonic::HarmonicBasis& basis, harmonic::ConstPixels variance,
                                   double reach) {
  TESSERA_REQUIRE(variance.size() == basis.pixel_count() && reach >= 0.0);
  std::vector<double> domain(variance.size());
  for (std::size_t p = 0; p < domain.size(); ++p) domain[p] = variance[p] > 0.0 ? 1.0 : 0.0;
  const std::vector<double> smooth = harmonic::smoothed(basis, domain, 0.5 * reach);
  constexpr double least = 0.0228;
  for (std::size_t p = 0; p < domain.size(); ++p)
    if (smooth[p] > least) domain[p] = 1.0;
  return domain;
}

}  // namespace tessera::posterior
