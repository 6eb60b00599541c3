// tessera gather: maps of the posterior from chains that were sampled one by one.
#include <sstream>

#include "apps/command.hpp"
#include "apps/map.hpp"
#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Makes of the chains FILE.chain_0, FILE.chain_1, ..., which 'tessera map --methods posterior --chain K "
    "--out "
    "FILE'\n"
    "sampled one by one, the file of maps that 'tessera map' without --chain would have made: the same bits. "
    "The\n"
    "options are those of the chains, the catalogue is read again; chains that do not belong together are "
    "refused.\n"
    "The chains are left where they are. A rank holds its pixels of all samples, 4 bytes each.\n\n"
    "example: for K in 0 1 2 3; do\n"
    "           mpirun -n 4 tessera map --methods posterior --chains 4 --chain $K [...] --out maps.h5\n"
    "         done\n"
    "         mpirun -n 4 tessera gather maps.h5\n";

config::Command gather_command() {
  return {"gather",
          "maps of the posterior from chains sampled one by one",
          description,
          {{"Files",
            {{"out", "FILE", "HDF5 file to write, beside its chains; may be given without --out"},
             {"overwrite", "", "replace the output file if it exists"}}}},
          "out"};
}

/// The options of `map` that the first chain was made with.
config::Values options_of_chains(const mpi::Communicator& comm, const config::Values& values) {
  const std::string out = values.text("out");
  std::string lines;
  mpi::collectively(comm, [&] { lines = posterior_configuration(chain_file(out, 0)); });
  std::vector<std::string> arguments;
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos)
      arguments.push_back(fmt::format("--{}={}", line.substr(0, equals), line.substr(equals + 3)));
  }
  config::Values options = map_command().parse(arguments).value();
  options.set("out", out);
  if (values.flag("overwrite")) options.set("overwrite", "yes");
  return options;
}

void run_gather(const mpi::Communicator& comm, const config::Values& values) {
  make_maps(comm, options_of_chains(comm, values), ChainSource::files);
}

}  // namespace

// The chains know whether a network is wanted; before MPI begins no file is opened.
Application gather_application() {
  return {gather_command(), run_gather, [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
