#pragma once

#include "config/options.hpp"
#include "core/stage_clock.hpp"
#include "io/map_writer.hpp"
#include "theory/power_spectrum.hpp"

namespace tessera::apps {

/// Writes what a product was made from: /provenance with program, version, command, resolved configuration,
/// ranks and the spectrum's table as /provenance/spectrum.
void write_provenance(io::MapWriter& writer, const mpi::Communicator& comm, const std::string& command,
                      const config::Values& values, const theory::PowerSpectrum* spectrum);

/// Wall time of the stages so far, as attributes of /diagnostics/seconds.
void write_times(io::MapWriter& writer, const StageClock& clock);

}  // namespace tessera::apps
