#include "network/unet.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/error.hpp"

namespace tessera::network {
namespace {

constexpr std::int64_t kernel = 3;
constexpr std::int64_t embedding_width = 32;
constexpr std::array<float, 4> embedding_frequencies{0.5F, 1.0F, 2.0F, 4.0F};

/// Nearest neighbours: every pixel becomes 2 x 2.
torch::Tensor doubled(const torch::Tensor& features) {
  namespace functional = torch::nn::functional;
  return functional::interpolate(
      features,
      functional::InterpolateFuncOptions().scale_factor(std::vector<double>{2.0, 2.0}).mode(torch::kNearest));
}

/// silu(features), which are not needed any more; training still needs them.
torch::Tensor spent_silu(torch::Tensor features) {
  return torch::GradMode::is_enabled() ? torch::silu(features) : torch::silu_(features);
}

}  // namespace

UNetImpl::UNetImpl(UNetOptions options) : options_(std::move(options)) {
  TESSERA_REQUIRE(options_.inputs > 0 && options_.outputs > 0 && options_.blocks > 0);
  TESSERA_REQUIRE(!options_.channels.empty());
  const auto& channels = options_.channels;
  first_ = convolution("first", options_.inputs, channels.front(), kernel);
  if (options_.conditioned)
    embed_ =
        register_module("embed", torch::nn::Linear(1 + 2 * embedding_frequencies.size(), embedding_width));
  for (std::size_t i = 0; i < channels.size(); ++i) {
    Level& level = levels_.emplace_back();
    const bool deepest = i + 1 == channels.size();
    for (std::int64_t b = 0; b < options_.blocks; ++b) {
      level.down.push_back(block(fmt::format("down{}_{}", i, b), channels[i]));
      if (!deepest) level.up.push_back(block(fmt::format("up{}_{}", i, b), channels[i]));
    }
    if (deepest) break;
    level.widen = convolution(fmt::format("widen{}", i), channels[i], channels[i + 1], 1);
    level.narrow = convolution(fmt::format("narrow{}", i), channels[i + 1], channels[i], 1);
  }
  last_ = convolution("last", channels.front(), options_.outputs, kernel);
  torch::nn::init::zeros_(last_->weight);
  torch::nn::init::zeros_(last_->bias);
  // oneDNN is two to four times faster in this layout.
  for (torch::Tensor& parameter : parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

torch::nn::Conv2d UNetImpl::convolution(const std::string& name, std::int64_t in, std::int64_t out,
                                        std::int64_t side) {
  return register_module(name, torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, side).padding(side / 2)));
}

UNetImpl::Block UNetImpl::block(const std::string& name, std::int64_t channels) {
  Block made{{convolution(name + "_0", channels, channels, kernel),
              convolution(name + "_1", channels, channels, kernel)}};
  if (options_.conditioned) {
    made.modulation = register_module(name + "_modulation", torch::nn::Linear(embedding_width, 2 * channels));
    torch::nn::init::zeros_(made.modulation->weight);
    torch::nn::init::zeros_(made.modulation->bias);
  }
  return made;
}

torch::Tensor UNetImpl::embedded(double condition) {
  if (!options_.conditioned) return {};
  const auto c = static_cast<float>(condition);
  std::vector<float> features{c};
  for (const float frequency : embedding_frequencies) {
    features.push_back(std::sin(frequency * c));
    features.push_back(std::cos(frequency * c));
  }
  return torch::silu(embed_->forward(torch::tensor(features).to(device())));
}

torch::Tensor UNetImpl::run(std::vector<Block>& blocks, torch::Tensor features,
                            const torch::Tensor& embedding) {
  for (Block& block : blocks) {
    auto& [inward, outward] = block.convolutions;
    torch::Tensor weight = inward->weight, bias = inward->bias;
    if (!block.modulation.is_empty()) {
      // Scale and shift of the features, folded into the convolution before them: they cost nothing.
      const std::vector<torch::Tensor> parts = block.modulation->forward(embedding).chunk(2);
      const torch::Tensor scale = 1.0 + parts[0];
      weight = weight * scale.view({-1, 1, 1, 1});
      bias = bias * scale + parts[1];
    }
    const torch::Tensor hidden = torch::conv2d(torch::silu(features), weight, bias, 1, kernel / 2);
    features = outward->forward(spent_silu(hidden)).add_(features);
  }
  return features;
}

torch::Tensor UNetImpl::compute(const torch::Tensor& maps, double condition) {
  TESSERA_REQUIRE(maps.dim() == 4 && maps.size(1) == options_.inputs);
  TESSERA_REQUIRE(maps.size(2) % alignment() == 0 && maps.size(3) % alignment() == 0);
  const torch::Tensor embedding = embedded(condition);
  torch::Tensor features = first_->forward(maps.contiguous(torch::MemoryFormat::ChannelsLast));
  std::vector<torch::Tensor> skips;
  for (Level& level : levels_) {
    features = run(level.down, features, embedding);
    if (&level == &levels_.back()) break;
    skips.push_back(features);
    features = level.widen->forward(torch::avg_pool2d(features, 2));
  }
  for (std::size_t i = skips.size(); i-- > 0;)
    features = run(levels_[i].up, doubled(levels_[i].narrow->forward(features)).add_(skips[i]), embedding);
  return last_->forward(spent_silu(features));
}

std::int64_t UNetImpl::alignment() const { return std::int64_t{1} << (levels_.size() - 1); }

std::int64_t UNetImpl::receptive_radius() const {
  // A convolution at level l reaches 2^l pixels; halving and doubling move a value by less than 2^(l + 1).
  std::int64_t radius = 2;  // first and last
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const std::int64_t step = std::int64_t{1} << i;
    const bool deepest = i + 1 == levels_.size();
    radius += 2 * options_.blocks * step * (deepest ? 1 : 2) + (deepest ? 0 : step);
  }
  return radius;
}

double UNetImpl::flops_per_pixel() const {
  const auto cost = [](std::int64_t in, std::int64_t out, std::int64_t side) {
    return 2.0 * static_cast<double>(in * out * side * side);
  };
  const auto& channels = options_.channels;
  double flops =
      cost(options_.inputs, channels.front(), kernel) + cost(channels.front(), options_.outputs, kernel);
  double area = 1.0;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const bool deepest = i + 1 == channels.size();
    flops += area * static_cast<double>(2 * options_.blocks * (deepest ? 1 : 2)) *
             cost(channels[i], channels[i], kernel);
    if (!deepest) flops += 0.25 * area * 2.0 * cost(channels[i], channels[i + 1], 1);
    area /= 4.0;
  }
  return flops;
}

}  // namespace tessera::network
