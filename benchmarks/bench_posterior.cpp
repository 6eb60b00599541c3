// Times posterior samples and prints them against their floor.
// usage: [mpirun -n RANKS] bench_posterior [N]
//        [mpirun -n RANKS] bench_posterior sphere [NSIDE]
// A field of N x N pixels (360) in a box twice as wide, or a survey like that of DES at NSIDE (512), with the
// sampler's default schedule; the network has the shape of the shipped one and random weights. The floor is
// the network's FLOPs in the survey at the rate of its convolutions, on the sphere plus libsharp's own time
// for the transforms.
#include <cstdio>
#include <numeric>
#include <string>
#include <tuple>

#include "benchmarks/convolutions.hpp"
#include "benchmarks/libsharp.hpp"
#include "benchmarks/timing.hpp"
#include "network/runtime.hpp"
#include "network/score.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "posterior/sampler.hpp"
#include "simulate/sphere_mask.hpp"
#include "survey/survey_sky.hpp"

using namespace tessera;
using bench::seconds;

namespace {

network::ModelCard card(double lowest, double highest, double high_pass) {
  network::ModelCard made;
  made.kind = "score";
  made.high_pass = high_pass;
  made.bands = {0.1 * high_pass, 10.0 * high_pass};
  made.levels = {{lowest, 0.8, 0.0, {1.0, 0.8}, {-99.0, -99.0}, {99.0, 99.0}},
                 {highest, 0.9, 0.0, {1.0, 0.9}, {-99.0, -99.0}, {99.0, 99.0}}};
  return made;
}

/// What is sampled.
struct Problem {
  std::unique_ptr<survey::SurveySky> sky;
  theory::PowerSpectrum spectrum;
  std::vector<double> observed;  // this rank's pixels, 0 or 1
  double noise, sigma;           // of a pixel's shear, and counted to the field
  network::ModelCard card;
  std::uint64_t tile;
};

/// Every second pixel of a field.
Problem plane_problem(const mpi::Communicator& comm, std::uint64_t n) {
  const PaddedBox box{2 * n, 2 * n};
  Problem problem{survey::plane_sky(comm, PlaneGrid({0.0, 0.0}, n, n, 0.29), box),
                  theory::PowerSpectrum({1.0, 1e6}, {1e-6, 1e-13}, "power law"),
                  {},
                  0.15,
                  0.07,
                  card(0.005, 0.15, 600.0),
                  256};
  const harmonic::HarmonicBasis& basis = problem.sky->basis();
  for (std::size_t i = 0; i < basis.pixel_count(); ++i) {
    const std::uint64_t p = basis.first_pixel() + i;
    problem.observed.push_back(p % box.nx < n && p / box.nx < n && p % 2 == 0 ? 1.0 : 0.0);
  }
  return problem;
}

Problem sphere_problem(const mpi::Communicator& comm, std::uint64_t nside) {
  constexpr std::uint64_t tile = 128;
  Problem problem{survey::sphere_sky(comm, nside, 2 * nside, std::min(tile, nside)),
                  theory::PowerSpectrum({1.0, 1e6}, {1e-6, 1e-13}, "power law"),
                  {},
                  0.016,
                  0.011,
                  card(0.002, 0.03, 60.0),
                  std::min(tile, nside)};
  const auto mask = simulate::des_like_mask(1);
  for (std::size_t p = 0; p < problem.sky->basis().pixel_count(); ++p)
    problem.observed.push_back(mask->observes(problem.sky->position(p)) ? 1.0 : 0.0);
  return problem;
}

/// libsharp's seconds for the transforms of one evaluation: shear from convergence and back, and three of
/// convergence around the network. FFTs on the plane are not counted.
double transform_floor(const mpi::Communicator& comm, const harmonic::HarmonicBasis& basis) {
  const auto* const sphere = dynamic_cast<const harmonic::SphereBasis*>(&basis);
  if (sphere == nullptr) return 0.0;
  const bench::SharpTimes times = bench::sharp_times(comm, *sphere, 3);
  return times.synthesis + times.adjoint + 2.0 * times.scalar + times.scalar_adjoint;
}

void run(const mpi::Communicator& comm, Problem problem) {
  const harmonic::HarmonicBasis& basis = problem.sky->basis();
  const inference::SignalCovariance signal(basis, {problem.spectrum}, true);
  const std::vector<double> spectrum = posterior::pixel_spectrum(basis, signal);
  const network::UNetOptions options{2, 1, {16, 48, 96}, 1, true};
  network::UNet net(options);
  const exchange::Tiling tiling =
      problem.sky->tiling(network::tile_needs(net->shape(), problem.tile), problem.observed);
  network::NetworkScore score(basis, spectrum, net.ptr(), problem.card, tiling, {});
  const std::size_t n = basis.pixel_count();
  std::vector<double> data(2 * n), variance(2 * n);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const bool observed = problem.observed[i % n] > 0.0;
    variance[i] = observed ? problem.noise * problem.noise : 0.0;
    const std::uint64_t place = 2 * (basis.first_pixel() + i % n) + i / n;
    data[i] = observed ? problem.noise * RandomStream(1, Purpose::test).normals(place)[0] : 0.0;
  }
  const inference::WholeShearOperator whole(basis);
  posterior::SamplerOptions settings;
  settings.sigma = problem.sigma;
  settings.lowest_sigma = 0.3 * problem.sigma;
  settings.burn_in = 1;
  posterior::Sampler sampler(basis, whole, spectrum, data, variance, &score, settings, 1);
  sampler.begin(0);
  sampler.burn_in();
  std::vector<posterior::Complex> kappa(basis.mode_count()), expected(basis.mode_count());
  sampler.next(kappa, expected);
  const double sample = seconds(comm, 3, [&] { sampler.next(kappa, expected); });
  const auto evaluations = static_cast<double>(sampler.sample_counts().scores);
  std::vector<posterior::Complex> state = sampler.chain().state().position;
  posterior::BlurredPosterior::Gradient slope;
  const double gradient = seconds(comm, 3, [&] { sampler.blurred().gradient(state, slope); });
  std::uint32_t number = 0;
  const double large_scales = seconds(comm, 3, [&] {
    std::ignore = sampler.blurred().redraw_large_scales(1, ++number, {settings.large_scales, 1000}, state);
  });

  std::vector<double> inputs(2 * n, 0.5), output(n);
  network::TiledNetwork tiled(comm, net.ptr(), tiling, 2);
  const double network = seconds(comm, 5, [&] { tiled.evaluate(inputs, output, 0.5 * problem.sigma); });
  double mine = 0.0, own = 0.0;
  for (const auto& tile : tiling.tiles) {
    mine += static_cast<double>(tile.width * tile.height);
    own += static_cast<double>(tile.core_width * tile.core_height);
  }
  // Of the windows of all ranks, and of the busiest.
  const double windows = comm.sum(mine), most = comm.max(mine), cores = comm.sum(own),
               survey = comm.sum(std::accumulate(problem.observed.begin(), problem.observed.end(), 0.0));
  const double rate = bench::convolution_rate(comm, options, static_cast<std::int64_t>(problem.tile), 1);
  // The field of the plane is observed in every second pixel.
  const double pixels = problem.sky->lmax() > 0 ? survey : cores;
  const double floor = net->flops_per_pixel() * pixels / (rate * comm.size()),
               transforms = transform_floor(comm, basis);
  if (!comm.is_root()) return;
  std::printf("%d ranks, %d threads each; %s; %.0f pixels of the survey\n", comm.size(),
              at::get_num_threads(), problem.sky->lmax() > 0 ? "sphere" : "plane", pixels);
  std::printf("a sample: %.2f s, %.0f network evaluations, %.0f ms each\n", sample, evaluations,
              1e3 * sample / evaluations);
  std::printf("a gradient of the posterior: %.2f s; a draw of large scales: %.2f s\n", gradient,
              large_scales);
  std::printf("network with exchange: %.0f ms an evaluation, %.0f %% of the time; outside %.0f %%\n",
              1e3 * network, 100.0 * network * evaluations / sample,
              100.0 * (1.0 - network * evaluations / sample));
  std::printf(
      "floor of an evaluation: network %.0f ms at %.0f GFLOP/s a rank, transforms %.0f ms; network over its "
      "floor %.2f (tiles beyond the survey %.2f, halo %.2f, balance %.2f), sample over floor %.2f\n",
      1e3 * floor, 1e-9 * rate, 1e3 * transforms, network / floor, cores / pixels, windows / cores,
      most * comm.size() / windows, sample / evaluations / (floor + transforms));
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  network::prepare_runtime(network::threads_per_rank(comm.ranks_on_node()));
  torch::manual_seed(1);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "sphere")
    run(comm, sphere_problem(comm, words.size() > 1 ? std::stoull(words[1]) : 512));
  else
    run(comm, plane_problem(comm, words.empty() ? 360 : std::stoull(words[0])));
  return 0;
}
