// Times networks and prints them against their floor. usage: [mpirun -n RANKS] bench_network [N] [batch]
//   the network's convolutions alone, the whole network and training, over sgemm on the same threads
//   evaluation in one tile over a plain evaluation, and the exchange as a share of evaluation over the ranks
//   Wiener maps for training: with the plans, covariance and operators of the map before, or made anew
#include <cstdio>
#include <string>

#include "convolutions.hpp"
#include "exchange/tile_exchange.hpp"
#include "network/deepmass_training.hpp"
#include "network/runtime.hpp"
#include "network/tiled_network.hpp"
#include "simulate/random_field.hpp"
#include "sky/block_distribution.hpp"
#include "timing.hpp"

using namespace tessera;
using bench::convolution_rate;
using bench::gemm_rate;
using bench::seconds;

namespace {

constexpr int repeats = 5;

void time_network(const mpi::Communicator& comm, std::int64_t n, std::int64_t batch) {
  const double gemm = gemm_rate(comm);
  if (comm.is_root())
    std::printf(
        "%d ranks, %d threads each, windows of %lld x %lld, batch %lld; sgemm %.1f GFLOP/s on a rank\n",
        comm.size(), at::get_num_threads(), static_cast<long long>(n), static_cast<long long>(n),
        static_cast<long long>(batch), 1e-9 * gemm);
  for (const network::UNetOptions& options :
       {network::UNetOptions{4, 2, {16, 48, 96}, 1}, network::UNetOptions{4, 2, {32, 64, 128}, 1}}) {
    network::UNet net(options);
    const torch::Tensor maps = torch::randn({batch, options.inputs, n, n});
    const double flops = net->flops_per_pixel() * static_cast<double>(batch * n * n);
    double convolutions = 0.0, forward = 0.0;
    {
      const torch::NoGradGuard guard;
      convolutions = convolution_rate(comm, options, n, batch);
      net->forward(maps);
      forward = seconds(comm, repeats, [&] { net->forward(maps); });
    }
    const double training = seconds(comm, 3, [&] {
      net->zero_grad();
      net->forward(maps).square().mean().backward();
    });
    if (comm.is_root())
      std::printf(
          "%lld-%lld-%lld, %3.0f kFLOP/pixel: convolutions %.1f GFLOP/s, %.2f of sgemm; forward %.1f ms, "
          "%.2f of "
          "sgemm; with gradients %.1f ms, %.2f (three passes)\n",
          static_cast<long long>(options.channels[0]), static_cast<long long>(options.channels[1]),
          static_cast<long long>(options.channels[2]), 1e-3 * net->flops_per_pixel(), 1e-9 * convolutions,
          convolutions / gemm, 1e3 * forward, flops / forward / gemm, 1e3 * training,
          3.0 * flops / training / gemm);
  }
}

void time_tiles(const mpi::Communicator& comm, std::uint64_t n) {
  const torch::NoGradGuard guard;
  network::UNet net(network::UNetOptions{4, 2, {16, 48, 96}, 1});
  const PaddedBox box{2 * n, 2 * n};
  const std::uint64_t local = BlockDistribution(box.ny, comm.size()).count(comm.rank()) * box.nx;
  std::vector<double> inputs(4 * local, 0.5), outputs(2 * local);
  for (const std::uint64_t side : {n, n / 2, n / 4}) {
    const exchange::TileNeeds needs = network::tile_needs(net->shape(), side);
    const PlaneTiles tiles(n, n, box, even_tiles(n, n, needs.side, needs.alignment), needs.halo,
                           needs.alignment);
    network::TiledNetwork tiled(comm, net.ptr(), exchange::plane_tiling(tiles, comm.rank(), comm.size()), 4);
    tiled.evaluate(inputs, outputs);
    const double whole = seconds(comm, repeats, [&] { tiled.evaluate(inputs, outputs); });
    exchange::Exchanger there(comm, exchange::plane_tile_plan(tiles, comm.rank(), comm.size()), 4);
    exchange::Exchanger back(comm, exchange::plane_core_plan(tiles, comm.rank(), comm.size()), 2);
    std::vector<double> windows(4 * there.plan().wanted()), cores(2 * back.plan().owned()),
        rows(2 * back.plan().wanted());
    const double moved = seconds(comm, repeats, [&] {
      there.start(inputs);
      there.finish(windows);
      back.start(cores);
      back.finish(rows);
    });
    const TileWindow window = tiles.window(0);
    const torch::Tensor maps = torch::randn(
        {1, 4, static_cast<std::int64_t>(window.height), static_cast<std::int64_t>(window.width)});
    net->forward(maps);
    const double plain = seconds(comm, repeats, [&] { net->forward(maps); }) *
                         static_cast<double>(tiles.count()) / static_cast<double>(comm.size());
    if (comm.is_root())
      std::printf(
          "field of %llu x %llu in %llu tiles: %.1f ms, %.2f of plain evaluations of the windows; exchange "
          "%.1f ms, "
          "%.1f %%\n",
          static_cast<unsigned long long>(n), static_cast<unsigned long long>(n),
          static_cast<unsigned long long>(tiles.count()), 1e3 * whole, whole / plain, 1e3 * moved,
          100.0 * moved / whole);
  }
}

void time_wiener(const mpi::Communicator& comm, std::uint64_t n) {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const theory::PowerSpectrum spectrum({1.0, 1e6}, {1e-6, 1e-13}, "power law");
  const double pixel = PlaneGrid({0.0, 0.0}, n, n, 0.29).pixel_radians();
  const simulate::SurveyPrior prior{{simulate::Footprint::cosmos}, {40.0, 40.0}, {0.3, 0.3}};
  const harmonic::PlaneBasis basis(alone, {n, n}, pixel);
  const network::Surveyor surveyor(basis, spectrum, true, prior, 1, {3e-4, 1000});
  const inference::SignalCovariance signal(basis, {spectrum}, true);
  const auto survey = simulate::observe(basis, simulate::gaussian_kappa(basis, signal, 1), prior, 1, 0);
  const double batch = seconds(comm, repeats, [&] { static_cast<void>(surveyor.wiener(survey)); });
  const double anew = seconds(comm, repeats, [&] {
    const harmonic::PlaneBasis own(alone, {n, n}, pixel);
    const network::Surveyor fresh(own, spectrum, true, prior, 1, {3e-4, 1000});
    static_cast<void>(fresh.wiener(survey));
  });
  if (comm.is_root())
    std::printf(
        "Wiener maps of %llu x %llu for training, a rank each: %.0f ms with the plans of the one before, "
        "%.0f ms made "
        "anew\n",
        static_cast<unsigned long long>(n), static_cast<unsigned long long>(n), 1e3 * batch, 1e3 * anew);
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  const std::int64_t n = argc > 1 ? std::stoll(argv[1]) : 256;
  const std::int64_t batch = argc > 2 ? std::stoll(argv[2]) : 1;
  network::prepare_runtime(network::threads_per_rank(comm.ranks_on_node()));
  torch::manual_seed(1);
  time_network(comm, n, batch);
  time_tiles(comm, 360);
  time_wiener(comm, 512);
  return 0;
}
