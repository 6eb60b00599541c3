#pragma once

#include <vector>

#include "inference/forward_operator.hpp"
#include "posterior/residual_score.hpp"

namespace tessera::posterior {

/// Tests of the data against a sample. For kappa of the posterior the residual n = d - A kappa is a draw of
/// the noise: chi^2 over all data has as many degrees of freedom as there are data, and the residual over its
/// noise is white, with as much power in the curl-free as in the curl part of every band.
class PredictiveTests {
 public:
  /// data, variance: [gamma1, gamma2][pixel_count], variance 0 where there are no data; edges: of the bands
  /// of multipoles, increasing. basis, data and variance must outlive this object. Collective.
  PredictiveTests(const HarmonicBasis& basis, ConstPixels data, ConstPixels variance,
                  std::vector<double> edges);

  struct Result {
    double chi2;
    std::vector<double> e_power, b_power;  // of the bands, over that of white noise
  };
  /// kappa: coefficients. Collective.
  [[nodiscard]] Result operator()(ConstModes kappa);

  [[nodiscard]] double degrees_of_freedom() const { return data_count_; }
  [[nodiscard]] const std::vector<double>& edges() const { return edges_; }
  /// Scatter of a band's power ratio of white noise seen through the mask, if its modes were independent.
  [[nodiscard]] const std::vector<double>& expected_scatter() const { return scatter_; }

 private:
  [[nodiscard]] std::vector<double> band_power(ConstModes modes) const;

  const HarmonicBasis* basis_;
  inference::ShearOperator shear_;
  ConstPixels data_, variance_;
  std::vector<double> edges_;
  double data_count_;
  std::vector<double> modes_in_band_, scatter_;
  std::vector<double> residual_;
  std::vector<Complex> e_, b_;
};

/// Probability that chi^2 of `dof` degrees of freedom exceeds a value (Wilson & Hilferty 1931; many degrees).
[[nodiscard]] double chi2_exceeded(double chi2, double dof);

/// Sum of |a_k|^2 over the modes of bands with these edges, and the number of modes. Collective.
[[nodiscard]] std::vector<double> band_sums(const HarmonicBasis& basis, ConstModes modes,
                                            const std::vector<double>& edges);

}  // namespace tessera::posterior
