#include "apps/provenance.hpp"

#include "core/version.hpp"

namespace tessera::apps {

void write_provenance(io::MapWriter& writer, const mpi::Communicator& comm, const std::string& command,
                      const config::Values& values, const theory::PowerSpectrum* spectrum) {
  writer.create_group("/provenance");
  writer.attribute("/provenance", "program", std::string("tessera"));
  writer.attribute("/provenance", "version", version());
  writer.attribute("/provenance", "command", command);
  writer.attribute("/provenance", "configuration", values.resolved());
  writer.attribute("/provenance", "ranks", static_cast<std::int64_t>(comm.size()));
  if (values.has("seed")) writer.attribute("/provenance", "seed", values.text("seed"));
  if (spectrum == nullptr) return;
  std::vector<double> table;
  for (std::size_t i = 0; i < spectrum->ell().size(); ++i) {
    table.push_back(spectrum->ell()[i]);
    table.push_back(spectrum->c_ell()[i]);
  }
  writer.write_table("/provenance/spectrum", table, 2,
                     {"radian^-1, steradian", "theory spectrum: columns ell, C_ell (kappa-kappa)"});
}

void write_times(io::MapWriter& writer, const StageClock& clock) {
  writer.create_group("/diagnostics/seconds");
  for (const auto& [stage, seconds] : clock.seconds())
    writer.attribute("/diagnostics/seconds", stage, seconds);
}

}  // namespace tessera::apps
