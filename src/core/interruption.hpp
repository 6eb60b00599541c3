#pragma once

namespace tessera::interruption {

// Requests from outside, by signals: SIGUSR1 asks for a checkpoint, SIGUSR2 and SIGTERM for a checkpoint and
// an end. mpirun hands SIGUSR2 on and waits; on SIGTERM it kills the ranks a moment later. A rank sees its
// own signals only: mpi::agreed_requests.

/// Listens from now on; before, each of these signals ends the program.
void listen();

/// Whether a checkpoint has been asked for since the last call.
[[nodiscard]] bool checkpoint_wanted();

/// Whether the run should end.
[[nodiscard]] bool end_wanted();

}  // namespace tessera::interruption
