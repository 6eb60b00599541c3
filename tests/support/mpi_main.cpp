// Runs one Catch2 session per rank. Only rank 0 reports as it goes; another rank's report is printed if it
// failed. The program fails if any rank fails.
#include <cstdio>
#include <iostream>
#include <sstream>

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "io/hdf5_handle.hpp"
#include "mpi/communicator.hpp"

int main(int argc, char** argv) {
  const tessera::mpi::Environment environment(argc, argv);
  tessera::io::silence_hdf5();
  const tessera::mpi::Communicator comm;

  std::ostringstream quiet;
  std::streambuf* const loud = comm.is_root() ? nullptr : std::cout.rdbuf(quiet.rdbuf());
  const int failures = Catch::Session().run(argc, argv);
  if (loud != nullptr) std::cout.rdbuf(loud);

  if (failures != 0 && !comm.is_root()) std::cerr << "rank " << comm.rank() << ":\n" << quiet.str();
  const int worst = comm.max(failures == 0 ? 0 : 1);
  comm.barrier();
  return worst;
}
