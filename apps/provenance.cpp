#include "apps/provenance.hpp"

#include <array>

#include "core/version.hpp"
#include "mpi/memory.hpp"
#include "mpi/traffic.hpp"

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

namespace {

/// Numbers that every rank has equally many of, [rank][number].
std::vector<double> of_all_ranks(const mpi::Communicator& comm, const std::vector<double>& own) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<double> all(ranks * own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::vector<double> column = comm.all_gather(own[i]);
    for (std::size_t rank = 0; rank < ranks; ++rank) all[rank * own.size() + i] = column[rank];
  }
  return all;
}

/// Tables of every rank by something that has names.
class RankTables {
 public:
  RankTables(io::MapWriter& writer, const mpi::Communicator& comm) : writer_(&writer), comm_(&comm) {
    writer.create_group(group);
  }

  void names(const char* attribute, const std::vector<std::string>& names) {
    writer_->attribute(group, attribute, fmt::format("{}", fmt::join(names, ",")));
  }

  template <class Entries, class Quantity>
  void write(const char* name, const Entries& entries, Quantity quantity, const io::Description& what) {
    std::vector<double> own;
    for (const auto& entry : entries) own.push_back(quantity(entry));
    writer_->write_table(std::string(group) + "/" + name, of_all_ranks(*comm_, own), own.size(), what);
  }

 private:
  static constexpr const char* group = "/diagnostics/ranks";
  io::MapWriter* writer_;
  const mpi::Communicator* comm_;
};

}  // namespace

void write_usage(io::MapWriter& writer, const mpi::Communicator& comm, const StageClock& clock) {
  writer.create_group("/diagnostics/seconds");
  std::vector<std::string> stages;
  for (const StageClock::Stage& stage : clock.stages()) {
    writer.attribute("/diagnostics/seconds", stage.name, stage.usage.seconds);
    stages.push_back(stage.name);
  }
  const mpi::Traffic traffic = mpi::traffic();
  RankTables tables(writer, comm);
  tables.names("kinds", {mpi::Traffic::names.begin(), mpi::Traffic::names.end()});
  tables.names("stages", stages);
  tables.write("peak_memory", std::array{mpi::peak_memory()}, [](double bytes) { return bytes; },
               {"byte", "most memory of a rank at once"});
  using Count = mpi::Traffic::Count;
  tables.write("bytes_sent", traffic.counts, [](const Count& c) { return c.bytes; },
               {"byte", "sent to other ranks, by kind of MPI's calls"});
  tables.write("messages_sent", traffic.counts, [](const Count& c) { return c.messages; },
               {"1", "messages to other ranks, by kind of MPI's calls"});
  tables.write("mpi_seconds", traffic.counts, [](const Count& c) { return c.seconds; },
               {"s", "time in MPI's calls, waiting for others included"});
  using Stage = StageClock::Stage;
  tables.write("stage_seconds", clock.stages(), [](const Stage& s) { return s.usage.seconds; },
               {"s", "wall time, by stage"});
  tables.write("stage_bytes_sent", clock.stages(), [](const Stage& s) { return s.usage.bytes; },
               {"byte", "sent to other ranks, by stage"});
  tables.write("stage_messages_sent", clock.stages(), [](const Stage& s) { return s.usage.messages; },
               {"1", "messages to other ranks, by stage"});
}

}  // namespace tessera::apps
