#pragma once

#include "core/random.hpp"
#include "harmonic/plane_basis.hpp"
#include "network/model_card.hpp"
#include "network/training.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::network {

/// Denoising score matching (Vincent 2011; Song & Ermon 2019) of what the Gaussian prior does not explain:
/// the network sees kappa + sigma z and is to say, through the prior's white filter, how the mean of kappa
/// differs from the Gaussian one (posterior::ResidualScore). On whole periodic boxes of one rank.
class Denoising {
 public:
  /// basis must outlive this.
  /// high_pass: as of ModelCard.
  Denoising(const harmonic::PlaneBasis& basis, const theory::PowerSpectrum& spectrum, bool pixel_window,
            double high_pass);

  [[nodiscard]] const harmonic::PlaneBasis& basis() const { return *basis_; }

  /// A sky of any mean, blurred at a noise level, turned by a symmetry of the square (0 to 7; from 4 on for
  /// square boxes only). The target is kappa less its mean under the Gaussian prior.
  [[nodiscard]] Example example(std::vector<double> kappa, double sigma, const RandomStream& noise,
                                const NetworkShape& shape, int symmetry) const;

  /// Mean square error of kappa over the variance that the Gaussian prior leaves.
  [[nodiscard]] LossFunction loss() const;

  /// Power of the error of kappa over the Gaussian prior's variance, for bands of multipoles with these
  /// edges (increasing), and over all modes as the last value.
  [[nodiscard]] std::vector<double> error_ratio(Network& network, const Example& example,
                                                const std::vector<double>& edges) const;

 private:
  /// Error of kappa left by the network's output, [1][1][ny][nx].
  [[nodiscard]] torch::Tensor rest(Network& network, const Example& example) const;
  /// Mean over modes of the variance that the Gaussian prior leaves to a pixel.
  [[nodiscard]] double gaussian_variance(double sigma) const;

  const harmonic::PlaneBasis* basis_;
  std::vector<double> spectrum_;  // of every mode, in units of pixels
  torch::Tensor table_, share_;   // the same and the share of the residual, [ny][nx / 2 + 1]
};

/// Scores at noise levels on `skies` skies, dealt to the ranks; bands: `edges` of multipoles. Collective.
[[nodiscard]] std::vector<NoiseLevel> score_levels(
    const mpi::Communicator& comm, Network& network, const Denoising& denoising,
    const std::function<std::vector<double>(std::uint64_t)>& sky, std::uint64_t skies, std::uint32_t first,
    const std::vector<double>& sigmas, const std::vector<double>& edges, std::uint64_t seed);

}  // namespace tessera::network
