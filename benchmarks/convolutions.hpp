#pragma once

#include "network/unet.hpp"
#include "timing.hpp"

namespace tessera::bench {

inline constexpr int rate_repeats = 5;

/// FLOP/s of sgemm on the threads of a rank.
inline double gemm_rate(const mpi::Communicator& comm) {
  constexpr std::int64_t side = 2048;
  const torch::Tensor a = torch::randn({side, side}), b = torch::randn({side, side});
  torch::mm(a, b);
  return 2.0 * side * side * side / seconds(comm, rate_repeats, [&] { torch::mm(a, b); });
}

/// Rate of the 3 x 3 convolutions of a UNet's levels, each at its resolution, as one passes through them.
inline double convolution_rate(const mpi::Communicator& comm, const network::UNetOptions& options,
                               std::int64_t n, std::int64_t batch) {
  double flops = 0.0, time = 0.0;
  for (std::size_t level = 0; level < options.channels.size(); ++level) {
    const std::int64_t c = options.channels[level], side = n >> level;
    const double passes = level + 1 == options.channels.size() ? 2.0 : 4.0;
    const torch::Tensor maps =
        torch::randn({batch, c, side, side}).contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor weight = torch::randn({c, c, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor bias = torch::randn({c});
    torch::conv2d(maps, weight, bias, 1, 1);
    time += passes * seconds(comm, rate_repeats, [&] { torch::conv2d(maps, weight, bias, 1, 1); });
    flops += passes * 2.0 * 9.0 * static_cast<double>(c * c * side * side * batch);
  }
  return flops / time;
}

}  // namespace tessera::bench
