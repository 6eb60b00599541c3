#pragma once

#include <memory>
#include <span>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "network/tiled_network.hpp"

namespace tessera::network {

/// Channels of the input of DeepMass (Jeffrey et al. 2020), here with the noise as an input, so that one set
/// of weights serves any depth and mask:
///   0 Wiener map; 1 root of the inverse noise variance of each pixel; 2 logarithm of that inverse variance
///   averaged over 1 arcmin or 1.5 pixels (the depth around the pixel); 3 mask.
constexpr std::size_t deepmass_inputs = 4;

/// Unit of the network's first output, which is added to the Wiener map; the second is the logarithm of the
/// variance in the unit's square.
constexpr double deepmass_kappa_unit = 0.02;

/// Fills inputs [deepmass_inputs][pixel_count] from the Wiener map and the standard deviation of the noise of
/// a shear component (0: no data), this rank's pixels. Collective on the basis.
void fill_deepmass_inputs(const harmonic::HarmonicBasis& basis, std::span<const double> wiener,
                          std::span<const double> noise_sigma, std::span<double> inputs);

/// Noise of a shear component averaged over 1 arcmin^2, at the depth around a typical galaxy. Collective.
[[nodiscard]] double noise_level(const harmonic::HarmonicBasis& basis, std::span<const double> noise_sigma);

/// Turns a network's output channels [outputs][pixels] into kappa's posterior mean and, if there is a second
/// channel, its standard deviation (empty if there is none), given the Wiener map.
struct DeepMassMaps {
  std::vector<double> mean, deviation;
};
[[nodiscard]] DeepMassMaps deepmass_maps(std::span<const double> wiener, std::span<const double> outputs);

/// The same on one window [height][width] alone: its Wiener map and noise; `margin` pixels (a multiple of the
/// network's alignment) of its border are left out of the network's input, and they and the network's halo
/// inside them mean nothing in the result. basis: of the window.
[[nodiscard]] DeepMassMaps deepmass_on_window(Network& network, const harmonic::PlaneBasis& basis,
                                              std::span<const double> wiener,
                                              std::span<const double> noise_sigma, std::uint64_t margin);

/// Posterior mean and standard deviation of kappa from its Wiener map, in tiles over the ranks.
class DeepMass {
 public:
  /// tiling: over the pixels of the basis, with what tile_needs() asks for. basis must outlive this object.
  /// Collective.
  DeepMass(const harmonic::HarmonicBasis& basis, const std::shared_ptr<Network>& network,
           exchange::Tiling tiling);

  /// wiener, noise_sigma: this rank's pixels; the result means nothing outside of the tiles. Collective.
  [[nodiscard]] DeepMassMaps evaluate(std::span<const double> wiener, std::span<const double> noise_sigma);

 private:
  const harmonic::HarmonicBasis* basis_;
  TiledNetwork network_;
  std::vector<double> inputs_, outputs_;
};

}  // namespace tessera::network
