#pragma once

namespace tessera::interruption {

// Requests from outside, by signals: SIGUSR1 asks for a checkpoint, SIGTERM for a checkpoint and an end. A
// rank sees its own only; ranks must agree on what they do.

/// Listens from now on; before, either signal ends the program.
void listen();

/// Whether a checkpoint has been asked for since the last call.
[[nodiscard]] bool checkpoint_wanted();

/// Whether the run should end.
[[nodiscard]] bool end_wanted();

}  // namespace tessera::interruption
