#pragma once

#include <memory>
#include <vector>

#include "network/model_card.hpp"
#include "network/tiled_network.hpp"
#include "posterior/residual_score.hpp"

namespace tessera::network {

/// Channels that the score network sees, [score_inputs][pixels]: the noisy map over its width, and what the
/// Gaussian prior makes of it.
void fill_score_inputs(std::span<const double> noisy, std::span<const double> gaussian, double sigma,
                       std::span<double> inputs);

/// The number that tells the network the noise level.
[[nodiscard]] double score_condition(double sigma);

/// The residual score by a network, evaluated in tiles; zero outside of them and of the learned prior's
/// domain. Large scales are left to the Gaussian prior (the card's high pass): the
/// mean of the network's output over a field is not bound by its training, and a small one would move many
/// pixels together.
class NetworkScore final : public posterior::ResidualScore {
 public:
  /// basis must outlive the score; spectrum: of posterior::pixel_spectrum; tiling: as of DeepMass; domain: of
  /// posterior::learned_domain, or empty for all tiles.
  NetworkScore(const harmonic::HarmonicBasis& basis, std::vector<double> spectrum,
               const std::shared_ptr<Network>& network, const ModelCard& card, exchange::Tiling tiling,
               std::vector<double> domain);

  void evaluate(posterior::ConstModes noisy, double sigma, posterior::Modes white) override;
  [[nodiscard]] double variance_ratio(double ell, double sigma) const override;
  [[nodiscard]] double gaussian_below() const override { return network::gaussian_below(card_.high_pass); }
  [[nodiscard]] posterior::ConstPixels domain() const override { return domain_; }
  [[nodiscard]] double lowest_sigma() const override { return card_.levels.front().sigma; }
  [[nodiscard]] double highest_sigma() const override { return card_.levels.back().sigma; }

 private:
  const harmonic::HarmonicBasis* basis_;
  std::vector<double> spectrum_;
  ModelCard card_;
  TiledNetwork network_;
  std::vector<posterior::Complex> modes_;
  std::vector<double> noisy_, gaussian_, inputs_, output_, domain_;
  double domain_pixels_ = 0.0;
  std::vector<double> share_;  // of every mode: high pass and normalisation
};

}  // namespace tessera::network
