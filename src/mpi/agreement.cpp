#include "mpi/agreement.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/interruption.hpp"
#include "core/text.hpp"
#include "core/unfinished_files.hpp"

namespace tessera::mpi {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto patience = 30s;

/// Whether the request is done before the time is over.
bool done_within(MPI_Request& request, Clock::duration time) {
  const auto deadline = Clock::now() + time;
  int done = 0;
  while (done == 0 && Clock::now() < deadline) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (done == 0) std::this_thread::sleep_for(1ms);
  }
  return done != 0;
}

/// The lowest rank that failed, or the rank count. A rank that failed does not wait for ever for others: they
/// may hang in a collective call that this rank has left, and only the end of the job can free them.
int lowest_failing(const Communicator& comm, const std::string& failure) {
  const int mine = failure.empty() ? comm.size() : comm.rank();
  int lowest = mine;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, comm.get(), &request), "MPI_Iallreduce");
  if (failure.empty()) {
    check(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
  } else if (!done_within(request, patience)) {
    std::fprintf(stderr, "error: %s\n", one_line(failure).c_str());
    end_job();
  }
  return lowest;
}

}  // namespace

void agree(const Communicator& comm, const std::string& failure) {
  const int failing = lowest_failing(comm, failure);
  if (failing == comm.size()) return;
  throw Error(comm.broadcast(failure, failing));
}

void end_job(int exit_code) {
  unfinished_files::delete_all();
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

bool all_arrive(const Communicator& comm, std::chrono::seconds time) {
  MPI_Request request = MPI_REQUEST_NULL;
  return MPI_Ibarrier(comm.get(), &request) == MPI_SUCCESS && done_within(request, time);
}

Requests agreed_requests(const Communicator& comm) {
  const int asked = (interruption::checkpoint_wanted() ? 1 : 0) + (interruption::end_wanted() ? 2 : 0);
  const int end = comm.max(asked / 2), checkpoint = comm.max(asked % 2);
  return {checkpoint > 0, end > 0};
}

}  // namespace tessera::mpi
