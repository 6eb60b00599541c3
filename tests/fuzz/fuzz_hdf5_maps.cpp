// Layouts of HDF5 files, read as maps, sets of skies, maps to import and the frame of a model.
#include "fuzz/layout.hpp"
#include "io/foreign_maps.hpp"
#include "io/hdf5_read.hpp"
#include "io/map_reader.hpp"
#include "io/sky_set.hpp"

using namespace tessera;

namespace {

void read_maps(const std::string& path) {
  const io::MapReader file(path);
  for (const char* const group : {"/maps", "/data"})
    for (const std::string& name : file.map_names(group)) {
      const std::string map = file.find_map(std::string(group) + "/" + name);
      fuzz::refusing([&] { static_cast<void>(file.text_attribute(map, "units")); });
      if (file.on_sphere()) {
        fuzz::refusing([&] { static_cast<void>(file.pixels()); });
        fuzz::refusing([&] { static_cast<void>(file.read_values(map)); });
      } else {
        fuzz::refusing([&] { static_cast<void>(file.read_rows(map, 0, file.grid().ny())); });
      }
    }
}

void read_skies(const std::string& path) {
  if (!io::SkySetReader::is_sky_set(path)) return;
  const io::SkySetReader set(path);
  static_cast<void>(set.c_ell(set.header().count - 1));
  static_cast<void>(set.read_rows(set.header().count - 1, 0, set.header().ny));
}

void read_foreign(const std::string& path) {
  const auto maps = io::open_foreign_maps(path, {});
  if (maps->facts().count > 0) static_cast<void>(maps->read(maps->facts().count - 1));
}

void read_model(const std::string& path) {
  const io::FileHandle file = io::open_for_reading(path);
  if (!io::link_exists(file.get(), "/model")) return;
  static_cast<void>(io::read_text_attribute(file.get(), path, "/model", "card"));
  static_cast<void>(io::read_number_attribute(file.get(), path, "/model", "nside"));
  static_cast<void>(io::read_numbers(file.get(), path, "/model/weights", {}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Choices choices(data, size);
  const fuzz::LayoutFile file(choices);
  for (const auto read : {read_maps, read_skies, read_foreign, read_model})
    fuzz::refusing([&] { read(file.path()); });
  return 0;
}
