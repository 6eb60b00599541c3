#pragma once

#include "core/random.hpp"
#include "harmonic/plane_basis.hpp"
#include "harmonic/sphere_basis.hpp"
#include "network/model_card.hpp"
#include "network/sphere_windows.hpp"
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

/// The same on a sphere of one rank: a tile of a whole noisy sky is an example, and the prior's white filter
/// acts on what the network makes of it by spherical harmonics, zero beyond the tile.
class SphereDenoising {
 public:
  /// basis: of one rank; side: of a tile; halo: what the network needs around it; distortion: whether the
  /// network sees that of the pixels; high_pass: as of ModelCard. basis must outlive this.
  SphereDenoising(const harmonic::SphereBasis& basis, const theory::PowerSpectrum& spectrum,
                  bool pixel_window, double high_pass, std::uint64_t side, const NetworkShape& shape);

  [[nodiscard]] const harmonic::SphereBasis& basis() const { return *basis_; }
  [[nodiscard]] const SphereWindows& windows() const { return windows_; }

  /// A sky blurred by white noise: what the network is given, [score_inputs][pixel], and kappa less its mean
  /// under the Gaussian prior.
  struct NoisySky {
    double sigma;
    std::vector<double> inputs, rest;
  };
  /// kappa: coefficients.
  [[nodiscard]] NoisySky blurred(harmonic::ConstModes kappa, double sigma, const RandomStream& noise) const;
  [[nodiscard]] Example example(const NoisySky& sky, std::uint64_t tile) const;

  /// Mean square error of kappa over the variance that the Gaussian prior leaves, on the inner part of the
  /// tile.
  [[nodiscard]] LossFunction loss() const;

  /// As Denoising::error_ratio, of a whole sky.
  [[nodiscard]] std::vector<double> error_ratio(const std::shared_ptr<Network>& network, const NoisySky& sky,
                                                const std::vector<double>& edges) const;

 private:
  /// The network's output through the prior's white filter: kappa's difference from the Gaussian mean.
  void filter(std::span<double> map, double sigma) const;
  [[nodiscard]] torch::Tensor filtered(const torch::Tensor& white, const Example& example) const;

  const harmonic::SphereBasis* basis_;
  std::vector<double> spectrum_, share_;  // of every mode
  bool distortion_;
  SphereWindows windows_;
  mutable std::vector<double> map_;
  mutable std::vector<harmonic::Complex> modes_;
};

/// Figures of the network on sky number i at a noise level: error ratios of the bands and of all modes, then
/// the lowest and highest value of each input. noise: that belongs to sky and level.
using LevelFigures =
    std::function<std::vector<double>(std::uint64_t sky, double sigma, const RandomStream& noise)>;

/// Scores at noise levels on `skies` skies, dealt to the ranks; bands: how many; after_round: called by every
/// rank whenever each has scored a sky. Collective.
[[nodiscard]] std::vector<NoiseLevel> score_levels(const mpi::Communicator& comm, const LevelFigures& figures,
                                                   std::uint64_t skies, std::uint32_t first,
                                                   const std::vector<double>& sigmas, std::size_t bands,
                                                   std::uint64_t seed,
                                                   const std::function<void()>& after_round);
/// Those of a sky of the plane.
[[nodiscard]] std::vector<double> level_figures(const Denoising& denoising, Network& network,
                                                std::vector<double> kappa, double sigma,
                                                const RandomStream& noise, const std::vector<double>& edges);
/// And of the sphere; kappa: coefficients.
[[nodiscard]] std::vector<double> level_figures(const SphereDenoising& denoising,
                                                const std::shared_ptr<Network>& network,
                                                harmonic::ConstModes kappa, double sigma,
                                                const RandomStream& noise, const std::vector<double>& edges);

}  // namespace tessera::network
