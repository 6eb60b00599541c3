#pragma once

#include <string>

namespace tessera::io {

/// From now on a write through MPI-IO that fails ends the job, on every rank, with one line that names
/// `path`; files that are being written are deleted. To wait for HDF5 to tell would not do: after a rank
/// could not write the metadata that it was to write, HDF5 1.10 goes on to calls in which ranks wait for each
/// other for ever.
void end_at_failed_write(const std::string& path);

}  // namespace tessera::io
