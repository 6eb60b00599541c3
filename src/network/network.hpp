#pragma once

#include <cstdint>
#include <torch/torch.h>

namespace tessera::network {

/// What a caller must know of a network to feed it with tiles.
struct NetworkShape {
  std::int64_t inputs;            // channels of the input maps
  std::int64_t outputs;           // channels of the output maps
  std::int64_t alignment;         // windows must begin and end at multiples of it
  std::int64_t receptive_radius;  // how far an input pixel reaches: an upper bound, in pixels
  bool conditioned = false;       // on a number besides the maps

  /// What a window needs around it: the receptive radius, rounded up to the alignment.
  [[nodiscard]] std::int64_t halo() const {
    return (receptive_radius + alignment - 1) / alignment * alignment;
  }
};

/// A convolutional network from maps to maps on the same pixels.
class Network {
 public:
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  Network(Network&&) = delete;
  Network& operator=(Network&&) = delete;
  virtual ~Network() = default;

  [[nodiscard]] virtual NetworkShape shape() const = 0;

  /// The device that computes; of one's own making it is the CPU until the network is moved.
  [[nodiscard]] virtual torch::Device device() const = 0;
  virtual void move_to(torch::Device device) = 0;

  /// maps: [batch][inputs][ny][nx], float, ny and nx multiples of the alignment; returns
  /// [batch][outputs][ny][nx]. Both are in the memory of the CPU, whatever computes. Pixels nearer to the
  /// border than the receptive radius see zeros beyond it. condition: a number of order one that a
  /// conditioned network sees besides the maps.
  torch::Tensor forward(const torch::Tensor& maps, double condition = 0.0) {
    return compute(maps.to(device()), condition).to(torch::kCPU);
  }

 private:
  /// The same in the memory of the device.
  virtual torch::Tensor compute(const torch::Tensor& maps, double condition) = 0;
};

}  // namespace tessera::network
