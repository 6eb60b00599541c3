// Times the Wiener filter's parts on a box of N x N pixels and prints them against their floor: FFTW's own
// time for a two-dimensional real transform of that size on one rank. usage: mpirun -n R bench_wiener [N]
// [iterations]
#include <algorithm>
#include <cstdio>
#include <string>

#include "benchmarks/timing.hpp"
#include "harmonic/plane_basis.hpp"
#include "inference/gaussian_posterior.hpp"

using namespace tessera;
using bench::fftw_seconds;
using bench::seconds;

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  const std::uint64_t n = argc > 1 ? std::stoull(argv[1]) : 540;
  const int iterations = argc > 2 ? std::stoi(argv[2]) : 20;
  const double pixel = 0.29 * radians_per_arcmin;
  const harmonic::PlaneBasis basis(comm, {n, n}, pixel);
  const inference::ShearOperator shear(basis);
  const theory::PowerSpectrum spectrum({1.0, 1e6}, {1e-6, 1e-16}, "power law");
  const inference::SignalCovariance signal(basis, {spectrum}, true);
  const std::vector<double> information(2 * basis.pixel_count(), 1.0 / (0.15 * 0.15));
  std::vector<double> data(2 * basis.pixel_count());
  basis.white_noise(RandomStream(1, Purpose::test), harmonic::Pixels(data).first(basis.pixel_count()));
  const inference::GaussianPosterior posterior(basis, shear, signal, information);
  std::vector<inference::Complex> x(basis.mode_count()), y(basis.mode_count());
  std::vector<double> map(basis.pixel_count());

  const double estimate = fftw_seconds(comm, static_cast<std::ptrdiff_t>(n), FFTW_ESTIMATE);
  const double measure = fftw_seconds(comm, static_cast<std::ptrdiff_t>(n), FFTW_MEASURE);
  basis.white_noise(RandomStream(1, Purpose::test), harmonic::Modes(x));
  const double one = seconds(comm, 10, [&] { basis.synthesis(x, map); });
  const double precision = seconds(comm, 10, [&] { posterior.apply_precision(x, y); });
  const double solve = seconds(comm, 2, [&] {
    std::fill(x.begin(), x.end(), inference::Complex{});
    posterior.mean(data, x, {1e-300, iterations});
  });
  if (comm.is_root()) {
    std::printf("box %llu^2, %d ranks\n", static_cast<unsigned long long>(n), comm.size());
    std::printf("  FFTW-MPI r2c, estimated plan    %9.2f ms\n", 1e3 * estimate);
    std::printf("  FFTW-MPI r2c, measured plan     %9.2f ms  (floor of one transform)\n", 1e3 * measure);
    std::printf("  synthesis (one transform)       %9.2f ms  %.2f of the floor\n", 1e3 * one, one / measure);
    std::printf("  precision (four transforms)     %9.2f ms  %.2f of the floor\n", 1e3 * precision,
                precision / (4.0 * measure));
    std::printf("  CG iteration (four transforms)  %9.2f ms  %.2f of the floor\n",
                1e3 * solve / (iterations + 1), solve / (iterations + 1) / (4.0 * measure));
  }
  comm.barrier();
  return 0;
}
