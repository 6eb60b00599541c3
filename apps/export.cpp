// tessera export: one map of a file as a FITS image, or as a HEALPix table.
#include "apps/command.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "io/atomic_file.hpp"
#include "io/fits_image.hpp"
#include "io/healpix_fits.hpp"
#include "io/map_reader.hpp"
#include "mpi/agreement.hpp"

namespace tessera::apps {
namespace {

constexpr const char* description =
    "Writes a map of a file made by tessera (kappa_wiener, mask, /data/gamma1, ...) as a FITS image with its "
    "WCS, or,\n"
    "of the sphere, as a HEALPix table of the stored pixels (NESTED, equatorial) that healpy.read_map "
    "reads.\n\n"
    "example: tessera export maps.h5 --map kappa_wiener --fits wiener.fits\n";

config::Command export_command() {
  return {
      "export",
      "a map as a FITS image or a HEALPix table",
      description,
      {{"Input",
        {{"input", "FILE.h5", "file of maps; may be given without --input"},
         {"map", "NAME", "map to export; its group may be left out"}}},
       {"Output",
        {{"fits", "FILE", "FITS file to write"}, {"overwrite", "", "replace the output file if it exists"}}}},
      "input"};
}

void write_fits(const std::string& path, const io::MapReader& file, const std::string& name) {
  if (file.on_sphere() && file.pixels().empty())
    fail("'{}' holds no pixel of its sphere, so there is nothing to export; make its maps again",
         file.path());
  const io::Description what{file.text_attribute(name, "units"), file.text_attribute(name, "description")};
  if (file.on_sphere()) {
    const std::string column = name.substr(name.rfind('/') + 1);
    io::write_healpix_fits(path, {file.nside(), file.pixels(), file.read_values(name)}, column, what);
  } else {
    const PlaneGrid grid = file.grid();
    io::write_fits_image(path, grid, file.read_rows(name, 0, grid.ny()), name, what);
  }
}

void run_export(const mpi::Communicator& comm, const config::Values& values) {
  const std::string input = values.text("input");
  const std::string wanted = values.text("map");
  io::AtomicFile output(comm, values.text("fits"), values.flag("overwrite"));
  output.give_up_lock();
  mpi::collectively(comm, [&] {
    if (!comm.is_root()) return;
    const io::MapReader file(input);
    write_fits(output.temporary(), file, file.find_map(wanted));
  });
  output.commit();
  log::info("wrote {}", output.path());
}

}  // namespace

Application export_application() { return {export_command(), run_export}; }

}  // namespace tessera::apps
