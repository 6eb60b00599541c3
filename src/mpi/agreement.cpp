#include "mpi/agreement.hpp"

namespace tessera::mpi {

void agree(const Communicator& comm, const std::string& failure) {
  const int failing = comm.min(failure.empty() ? comm.size() : comm.rank());
  if (failing == comm.size()) return;
  throw Error(comm.broadcast(failure, failing));
}

}  // namespace tessera::mpi
