// Times a UNet on windows of N x N pixels, forward and with gradients, and prints its floating-point rate
// over that of sgemm on the same threads. usage: OMP_NUM_THREADS=T bench_network [N] [batch]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "network/unet.hpp"

using namespace tessera;

namespace {

template <class Work>
double seconds(int repeats, Work work) {
  work();
  double best = 1e300;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = argc > 1 ? std::stoll(argv[1]) : 256;
  const std::int64_t batch = argc > 2 ? std::stoll(argv[2]) : 1;
  const char* const threads = std::getenv("OMP_NUM_THREADS");
  at::set_num_threads(threads != nullptr ? std::atoi(threads) : 1);
  torch::manual_seed(1);
  constexpr std::int64_t side = 2048;
  const torch::Tensor a = torch::randn({side, side}), b = torch::randn({side, side});
  const double gemm = 2.0 * side * side * side / seconds(5, [&] { torch::mm(a, b); });
  std::printf("%d threads; sgemm %.1f GFLOP/s\n", at::get_num_threads(), 1e-9 * gemm);
  for (const network::UNetOptions& options :
       {network::UNetOptions{3, 1, {16, 48, 96}, 1}, network::UNetOptions{3, 1, {24, 64, 96}, 1},
        network::UNetOptions{3, 1, {32, 64, 128}, 1}}) {
    network::UNet net(options);
    const torch::Tensor maps = torch::randn({batch, options.inputs, n, n});
    const double flops = net->flops_per_pixel() * static_cast<double>(batch * n * n);
    const double forward = seconds(5, [&] {
      const torch::NoGradGuard guard;
      net->forward(maps);
    });
    const double training = seconds(3, [&] {
      net->zero_grad();
      net->forward(maps).square().mean().backward();
    });
    std::printf(
        "%lld-%lld-%lld, %5.0f kFLOP/pixel: forward %7.1f ms, %6.1f GFLOP/s, %.2f of sgemm; with gradients "
        "%7.1f ms, "
        "%.2f (three passes)\n",
        static_cast<long long>(options.channels[0]), static_cast<long long>(options.channels[1]),
        static_cast<long long>(options.channels[2]), 1e-3 * net->flops_per_pixel(), 1e3 * forward,
        1e-9 * flops / forward, flops / forward / gemm, 1e3 * training, 3.0 * flops / training / gemm);
  }
  return 0;
}
