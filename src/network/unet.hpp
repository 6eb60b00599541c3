#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace tessera::network {

/// Shape of a UNet.
struct UNetOptions {
  std::int64_t inputs = 3;                         // channels of the input maps
  std::int64_t outputs = 1;                        // channels of the output maps
  std::vector<std::int64_t> channels{16, 48, 96};  // features at full, half, quarter ... resolution
  std::int64_t blocks = 1;   // residual blocks on the way down and on the way up, per level
  bool conditioned = false;  // on a number, which scales and shifts the features inside every block
};

/// A UNet (Ronneberger et al. 2015) of residual blocks without normalisation, so that an output pixel depends
/// on its neighbourhood alone and a map may be evaluated in tiles. Resolution is halved by the mean of 2 x 2
/// pixels and doubled by repetition; skips are added. The last convolution begins at zero: an untrained
/// network returns zero everywhere. A condition is embedded by Fourier features and a small dense network
/// (as the noise level of diffusion models, Ho et al. 2020; feature-wise scale and shift, Perez et al. 2018).
class UNetImpl : public torch::nn::Module, public Network {
 public:
  explicit UNetImpl(UNetOptions options);

  [[nodiscard]] torch::Device device() const override { return first_->weight.device(); }
  void move_to(torch::Device device) override { to(device); }

  [[nodiscard]] NetworkShape shape() const override {
    return {options_.inputs, options_.outputs, alignment(), receptive_radius(), options_.conditioned};
  }

  [[nodiscard]] const UNetOptions& options() const { return options_; }

  [[nodiscard]] std::int64_t alignment() const;
  [[nodiscard]] std::int64_t receptive_radius() const;

  /// Multiplications and additions of a forward pass per pixel of the output.
  [[nodiscard]] double flops_per_pixel() const;

 private:
  /// channels_last memory throughout.
  torch::Tensor compute(const torch::Tensor& maps, double condition) override;

  struct Block {
    std::array<torch::nn::Conv2d, 2> convolutions{nullptr, nullptr};
    torch::nn::Linear modulation{nullptr};  // embedded condition to scales and shifts; none if unconditioned
  };
  struct Level {
    std::vector<Block> down, up;                        // the deepest level has no way up
    torch::nn::Conv2d widen{nullptr}, narrow{nullptr};  // to the level below and back
  };
  torch::nn::Conv2d convolution(const std::string& name, std::int64_t in, std::int64_t out,
                                std::int64_t side);
  Block block(const std::string& name, std::int64_t channels);
  [[nodiscard]] torch::Tensor embedded(double condition);
  static torch::Tensor run(std::vector<Block>& blocks, torch::Tensor features,
                           const torch::Tensor& embedding);

  UNetOptions options_;
  torch::nn::Conv2d first_{nullptr}, last_{nullptr};
  torch::nn::Linear embed_{nullptr};
  std::vector<Level> levels_;
};
TORCH_MODULE(UNet);

}  // namespace tessera::network
