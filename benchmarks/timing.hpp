#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <fftw3-mpi.h>

#include "mpi/communicator.hpp"

namespace tessera::bench {

/// Seconds a call takes, the fastest of `repeats`, the slowest rank's.
template <class Work>
double seconds(const mpi::Communicator& comm, int repeats, Work work) {
  double best = 1e300;
  for (int i = 0; i < repeats; ++i) {
    comm.barrier();
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, comm.max(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  }
  return best;
}

/// FFTW-MPI's own real transform with transposed output, timed by FFTW when it plans: what a user of it would
/// get.
inline double fftw_seconds(const mpi::Communicator& comm, std::ptrdiff_t n, unsigned flags) {
  fftw_mpi_init();
  std::ptrdiff_t local_n0 = 0, start0 = 0, local_n1 = 0, start1 = 0;
  const std::ptrdiff_t count =
      fftw_mpi_local_size_2d_transposed(n, n / 2 + 1, comm.get(), &local_n0, &start0, &local_n1, &start1);
  double* const in = fftw_alloc_real(static_cast<std::size_t>(2 * count));
  fftw_complex* const out = fftw_alloc_complex(static_cast<std::size_t>(count));
  fftw_plan plan = fftw_mpi_plan_dft_r2c_2d(n, n, in, out, comm.get(), flags | FFTW_MPI_TRANSPOSED_OUT);
  std::fill_n(in, 2 * count, 1.0);
  const double time = seconds(comm, 10, [&] { fftw_execute(plan); });
  fftw_destroy_plan(plan);
  fftw_free(in);
  fftw_free(out);
  return time;
}

}  // namespace tessera::bench
