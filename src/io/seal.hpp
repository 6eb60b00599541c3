#pragma once

#include <string>

#include "mpi/communicator.hpp"

namespace tessera::io {

// A seal is the last line of a file, behind what HDF5 reads: the number of the bytes before it and their
// checksum. It tells a whole file from one that was cut short or has changed, before any of it is trusted. It
// finds damage, not malice.

/// Seals a file that all writers have closed. The ranks share the reading. Collective.
void add_seal(const mpi::Communicator& comm, const std::string& path);

/// What is wrong with the seal of a file, for the end of a sentence; empty if the file is as it was sealed.
/// Error if the system could not read the file. Collective.
[[nodiscard]] std::string broken_seal(const mpi::Communicator& comm, const std::string& path);

}  // namespace tessera::io
