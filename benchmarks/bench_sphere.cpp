// Times the transforms and the Wiener filter on the sphere, against libsharp's own time on the rank's rings,
// and the memory of a rank. usage: mpirun -n R bench_sphere NSIDE [LMAX] [iterations]
#include <cstdio>
#include <string>
#include <sys/resource.h>

#include "benchmarks/libsharp.hpp"
#include "benchmarks/timing.hpp"
#include "harmonic/sphere_basis.hpp"
#include "inference/gaussian_posterior.hpp"

using namespace tessera;
using bench::seconds;
using harmonic::Complex;

namespace {

double peak_gigabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 * 1e-9;
}

void run(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax, int iterations) {
  const int repeats = nside > 1024 ? 1 : 4;
  const harmonic::SphereBasis basis(comm, nside, lmax);
  const bench::SharpTimes floor = bench::sharp_times(comm, basis, repeats);
  const double after_floor = peak_gigabytes();
  const inference::ShearOperator shear(basis);
  const theory::PowerSpectrum spectrum({1.0, 1e6}, {1e-8, 1e-16}, "power law");
  const inference::SignalCovariance signal(basis, {spectrum}, true);
  const std::size_t n = basis.pixel_count();
  const std::vector<double> information(2 * n, 1.0 / (0.016 * 0.016));
  std::vector<double> data(2 * n);
  basis.white_noise(RandomStream(1, Purpose::test), harmonic::Pixels(data).first(n));
  std::vector<Complex> e(basis.mode_count(), 1.0), b(basis.mode_count(), 1.0);
  {
    std::vector<double> gamma1(n), gamma2(n);
    const double synthesis = seconds(comm, repeats, [&] { basis.shear_synthesis(e, b, gamma1, gamma2); });
    const double adjoint =
        seconds(comm, repeats, [&] { basis.shear_synthesis_adjoint(gamma1, gamma2, e, b); });
    const double scalar = seconds(comm, repeats, [&] { basis.synthesis(e, gamma1); });
    if (comm.is_root()) {
      std::printf("nside %llu, lmax %llu, %d ranks, %llu blocks of rings\n",
                  static_cast<unsigned long long>(nside), static_cast<unsigned long long>(lmax), comm.size(),
                  static_cast<unsigned long long>(basis.rings().blocks()));
      std::printf("  spin-2 synthesis  %9.3f s, %.2f of libsharp's %.3f s\n", synthesis,
                  synthesis / floor.synthesis, floor.synthesis);
      std::printf("  spin-2 adjoint    %9.3f s, %.2f of libsharp's %.3f s (ordered sum over blocks)\n",
                  adjoint, adjoint / floor.adjoint, floor.adjoint);
      std::printf("  spin-0 synthesis  %9.3f s, %.2f of libsharp's %.3f s\n", scalar, scalar / floor.scalar,
                  floor.scalar);
    }
  }
  const inference::GaussianPosterior posterior(basis, shear, signal, information);
  const double solve = seconds(comm, 1, [&] {
    std::fill(e.begin(), e.end(), Complex{});
    posterior.mean(data, e, {1e-300, iterations});
  });
  const double iteration = solve / (iterations + 1), both = floor.synthesis + floor.adjoint;
  const double largest = comm.max(peak_gigabytes()), all = comm.sum(peak_gigabytes());
  if (comm.is_root())
    std::printf(
        "  Wiener iteration  %9.3f s, %.2f of the two transforms' %.3f s\n"
        "  memory: %.2f GB of a rank at most, %.2f GB of all (%.2f GB before the filter)\n",
        iteration, iteration / both, both, largest, all, after_floor);
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  if (argc < 2) {
    if (comm.is_root()) std::fprintf(stderr, "usage: mpirun -n R bench_sphere NSIDE [LMAX] [iterations]\n");
    comm.barrier();
    return 1;
  }
  const std::uint64_t nside = std::stoull(argv[1]);
  run(comm, nside, argc > 2 ? std::stoull(argv[2]) : 2 * nside, argc > 3 ? std::stoi(argv[3]) : 5);
  comm.barrier();
  return 0;
}
