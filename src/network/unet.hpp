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
  std::int64_t blocks = 1;  // residual blocks on the way down and on the way up, per level
};

/// A UNet (Ronneberger et al. 2015) of residual blocks without normalisation, so that an output pixel depends
/// on its neighbourhood alone and a map may be evaluated in tiles. Resolution is halved by the mean of 2 x 2
/// pixels and doubled by repetition; skips are added. The last convolution begins at zero: an untrained
/// network returns zero everywhere.
class UNetImpl : public torch::nn::Module, public Network {
 public:
  explicit UNetImpl(UNetOptions options);

  /// channels_last memory throughout.
  torch::Tensor forward(const torch::Tensor& maps) override;

  [[nodiscard]] NetworkShape shape() const override {
    return {options_.inputs, options_.outputs, alignment(), receptive_radius()};
  }

  [[nodiscard]] const UNetOptions& options() const { return options_; }

  [[nodiscard]] std::int64_t alignment() const;
  [[nodiscard]] std::int64_t receptive_radius() const;

  /// Multiplications and additions of a forward pass per pixel of the output.
  [[nodiscard]] double flops_per_pixel() const;

 private:
  using Block = std::array<torch::nn::Conv2d, 2>;
  struct Level {
    std::vector<Block> down, up;                        // the deepest level has no way up
    torch::nn::Conv2d widen{nullptr}, narrow{nullptr};  // to the level below and back
  };
  torch::nn::Conv2d convolution(const std::string& name, std::int64_t in, std::int64_t out,
                                std::int64_t side);
  Block block(const std::string& name, std::int64_t channels);
  static torch::Tensor run(std::vector<Block>& blocks, torch::Tensor features);

  UNetOptions options_;
  torch::nn::Conv2d first_{nullptr}, last_{nullptr};
  std::vector<Level> levels_;
};
TORCH_MODULE(UNet);

}  // namespace tessera::network
