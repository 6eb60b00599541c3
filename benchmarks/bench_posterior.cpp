// Times posterior samples and prints them against their floor. usage: [mpirun -n RANKS] bench_posterior [N]
// A field of N x N pixels (360) in a box twice as wide, with the sampler's default schedule; the network has
// the shape of the shipped one and random weights. The floor is the network's FLOPs at the rate of its
// convolutions.
#include <cstdio>
#include <string>

#include "convolutions.hpp"
#include "harmonic/plane_basis.hpp"
#include "network/runtime.hpp"
#include "network/score.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "posterior/sampler.hpp"
#include "timing.hpp"

using namespace tessera;
using bench::seconds;

namespace {

network::ModelCard card() {
  network::ModelCard made;
  made.kind = "score";
  made.high_pass = 600.0;
  made.bands = {100.0, 10000.0};
  made.levels = {{0.005, 0.8, 0.0, {1.0, 0.8}, {-99.0, -99.0}, {99.0, 99.0}},
                 {0.15, 0.9, 0.0, {1.0, 0.9}, {-99.0, -99.0}, {99.0, 99.0}}};
  return made;
}

void run(const mpi::Communicator& comm, std::uint64_t n) {
  const double pixel = PlaneGrid({0.0, 0.0}, n, n, 0.29).pixel_radians();
  const PaddedBox box{2 * n, 2 * n};
  const harmonic::PlaneBasis basis(comm, box, pixel);
  const inference::SignalCovariance signal(
      basis, {theory::PowerSpectrum({1.0, 1e6}, {1e-6, 1e-13}, "power law")}, true);
  const std::vector<double> spectrum = posterior::pixel_spectrum(basis, signal);
  const network::UNetOptions options{2, 1, {16, 48, 96}, 1, true};
  network::UNet net(options);
  const exchange::Tiling tiling =
      exchange::plane_tiling(n, n, box, network::tile_needs(net->shape(), 256), comm.rank(), comm.size());
  network::NetworkScore score(basis, spectrum, net.ptr(), card(), tiling, {});
  std::vector<double> data(2 * basis.pixel_count()), variance(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint64_t p = basis.first_pixel() + i % basis.pixel_count();
    const bool observed = p % box.nx < n && p / box.nx < n && p % 2 == 0;
    variance[i] = observed ? 0.0225 : 0.0;
    data[i] = observed ? 0.15 * RandomStream(1, Purpose::test).normals(i)[0] : 0.0;
  }
  const inference::WholeShearOperator whole(basis);
  posterior::SamplerOptions settings;
  settings.sigma = 0.07;
  settings.burn_in = 1;
  posterior::Sampler sampler(basis, whole, spectrum, data, variance, &score, settings, 1);
  sampler.begin(0);
  std::vector<posterior::Complex> kappa(basis.mode_count()), expected(basis.mode_count());
  sampler.next(kappa, expected);
  const double sample = seconds(comm, 3, [&] { sampler.next(kappa, expected); });
  const auto evaluations = static_cast<double>(sampler.sample_counts().scores);

  std::vector<double> inputs(2 * basis.pixel_count(), 0.5), output(basis.pixel_count());
  network::TiledNetwork tiled(comm, net.ptr(), tiling, 2);
  const double network = seconds(comm, 5, [&] { tiled.evaluate(inputs, output, 0.1); });
  double mine = 0.0;
  for (const auto& tile : tiling.tiles) mine += static_cast<double>(tile.width * tile.height);
  // Of the windows of all ranks, and of the busiest.
  const double pixels = comm.sum(mine), most = comm.max(mine);
  const double rate = bench::convolution_rate(comm, options, 256, 1);
  const double floor = net->flops_per_pixel() * static_cast<double>(n * n) / (rate * comm.size());
  if (comm.is_root()) {
    std::printf("%d ranks, %d threads each; field %llu x %llu in a box of %llu x %llu\n", comm.size(),
                at::get_num_threads(), static_cast<unsigned long long>(n), static_cast<unsigned long long>(n),
                static_cast<unsigned long long>(box.nx), static_cast<unsigned long long>(box.ny));
    std::printf("a sample: %.2f s, %.0f network evaluations, %.0f ms each\n", sample, evaluations,
                1e3 * sample / evaluations);
    std::printf("network with exchange: %.0f ms an evaluation, %.0f %% of the time; outside %.0f %%\n",
                1e3 * network, 100.0 * network * evaluations / sample,
                100.0 * (1.0 - network * evaluations / sample));
    std::printf(
        "floor, the field's FLOPs at %.0f GFLOP/s a rank: %.0f ms; network over floor %.2f (halo %.2f, "
        "balance "
        "%.2f), sample over floor %.2f\n",
        1e-9 * rate, 1e3 * floor, network / floor, pixels / static_cast<double>(n * n),
        most * comm.size() / pixels, sample / evaluations / floor);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  network::prepare_runtime(network::threads_per_rank(comm.ranks_on_node()));
  torch::manual_seed(1);
  run(comm, argc > 1 ? std::stoull(argv[1]) : 360);
  return 0;
}
