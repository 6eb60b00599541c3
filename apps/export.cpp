// tessera export: one map of a file as a FITS image.
#include "apps/command.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/atomic_file.hpp"
#include "io/fits_image.hpp"
#include "io/map_reader.hpp"
#include "mpi/agreement.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Writes a map of a file made by tessera (kappa_wiener, mask, /data/gamma1, ...) as a FITS image with its "
    "WCS.\n\n"
    "example: tessera export maps.h5 --map kappa_wiener --fits wiener.fits\n";

config::Command export_command() {
  return {"export",
          "a map as a FITS image",
          description,
          {{"Input",
            {{"input", "FILE.h5", "file of maps; may be given without --input"},
             {"map", "NAME", "map to export; its group may be left out"}}},
           {"Output",
            {{"fits", "FILE", "FITS image to write"},
             {"overwrite", "", "replace the output file if it exists"}}}},
          "input"};
}

void run_export(const mpi::Communicator& comm, const config::Values& values) {
  const std::string input = values.text("input");
  const std::string wanted = values.text("map");
  io::AtomicFile output(comm, values.text("fits"), values.flag("overwrite"));
  mpi::collectively(comm, [&] {
    if (!comm.is_root()) return;
    const io::MapReader file(input);
    const std::string name = file.find_map(wanted);
    const PlaneGrid grid = file.grid();
    const io::Description what{file.text_attribute(name, "units"), file.text_attribute(name, "description")};
    io::write_fits_image(output.temporary(), grid, file.read_rows(name, 0, grid.ny()), name, what);
  });
  output.commit();
  log::info("wrote {}", output.path());
}

}  // namespace

Application export_application() { return {export_command(), run_export}; }

}  // namespace tessera::apps
