#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "core/error.hpp"
#include "core/text.hpp"
#include "mpi/communicator.hpp"

namespace tessera::mpi {

/// Collective. `failure` is this rank's trouble, empty if none. If any rank has one, every rank throws Error
/// with the text of the lowest such rank; so no rank is left waiting in a later collective.
/// If the others do not come within half a minute, the failing rank reports and ends the job.
void agree(const Communicator& comm, const std::string& failure);

/// Collective: runs local work that may fail on some ranks only (reading, allocating, writing), then agrees.
/// The work itself must not communicate unless it fails on all ranks alike.
template <class Work>
void collectively(const Communicator& comm, Work&& work) {
  std::string failure;
  try {
    work();
  } catch (const std::exception& problem) {
    failure = description(problem);
  }
  agree(comm, failure);
}

/// Collective: work(i) for every i below `count`, dealt to the ranks in rounds of one each; then
/// after_round(), which may communicate and end the work by an Error of all ranks.
template <class Work>
void deal_out(const Communicator& comm, std::uint64_t count, Work&& work,
              const std::function<void()>& after_round) {
  for (std::uint64_t first = 0; first < count; first += static_cast<std::uint64_t>(comm.size())) {
    const std::uint64_t mine = first + static_cast<std::uint64_t>(comm.rank());
    collectively(comm, [&] {
      if (mine < count) work(mine);
    });
    after_round();
  }
}

/// Ends the job at once, from this rank alone; files that are being written are deleted.
[[noreturn]] void end_job(int exit_code = 1);

/// Whether every rank comes here within the time. For a communicator that serves nothing else: some
/// ranks may never come, and no other collective must be mistaken for this one.
[[nodiscard]] bool all_arrive(const Communicator& comm, std::chrono::seconds time = std::chrono::seconds(5));

/// What signals to any of the ranks asked for since the last call (core/interruption.hpp).
struct Requests {
  bool checkpoint, end;
};
[[nodiscard]] Requests agreed_requests(const Communicator& comm);

}  // namespace tessera::mpi
