#pragma once

#include <array>
#include <cstdint>

namespace tessera::mpi {

/// What this process has handed to MPI since it began, by kind of call. The library defines MPI's functions
/// anew on top of the profiling interface (PMPI), so calls of FFTW are counted with ours, those inside MPI
/// (MPI-IO) are not. All is zero in a build without TESSERA_COUNT_MESSAGES, which leaves the interface to
/// other profilers.
///
/// Bytes and messages are those sent to other ranks: of point-to-point calls and all-to-all what they name; a
/// reduction, broadcast or barrier, whose algorithm is MPI's, counts as log2(ranks) messages, rounded up, and
/// its payload once; a gather as what every rank passes on, all ranks' values but its own, in as many
/// messages, or in ranks - 1 round a ring where ranks give unequal numbers of them (MPI_Allgatherv).
struct Traffic {
  enum Kind { point_to_point, all_to_all, reduce, broadcast, gather, barrier, kinds };
  static constexpr std::array<const char*, kinds> names{"point_to_point", "all_to_all", "reduce",
                                                        "broadcast",      "gather",     "barrier"};
  struct Count {
    double messages = 0.0, bytes = 0.0;
    double seconds = 0.0;  // in the calls, waiting for others included
  };
  std::array<Count, kinds> counts;

  [[nodiscard]] Count total() const;
};

[[nodiscard]] Traffic traffic();

}  // namespace tessera::mpi
