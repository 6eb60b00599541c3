#pragma once

#include "apps/stage_clock.hpp"
#include "config/options.hpp"
#include "io/map_writer.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

/// Writes what a product was made from: /provenance with program, version, command, resolved configuration,
/// ranks and the spectrum's table as /provenance/spectrum.
void write_provenance(io::MapWriter& writer, const mpi::Communicator& comm, const std::string& command,
                      const config::Values& values, const theory::PowerSpectrum* spectrum);

/// What the run took: seconds of its stages on rank 0 as attributes of /diagnostics/seconds; and in
/// /diagnostics/ranks, of every rank: peak_memory [rank]; by kind of MPI's calls (attribute `kinds`)
/// bytes_sent, messages_sent, mpi_seconds [rank][kind]; by stage (attribute `stages`) stage_seconds,
/// stage_bytes_sent, stage_messages_sent [rank][stage]. Counted as mpi::Traffic says. Collective.
void write_usage(io::MapWriter& writer, const mpi::Communicator& comm, const StageClock& clock);

}  // namespace tessera::apps
