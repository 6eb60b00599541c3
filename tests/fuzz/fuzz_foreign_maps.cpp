// Maps to import: NPY, FITS images, raw numbers.
#include "fuzz/fuzz.hpp"
#include "io/foreign_maps.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // HDF5 has a target of its own, in which the library is given sound files.
  if (size > 4 && std::string_view(reinterpret_cast<const char*>(data), 4) == "\x89HDF") return 0;
  const fuzz::MemoryFile file(data, size);
  fuzz::refusing([&] {
    const auto maps = io::open_foreign_maps(file.path(), {});
    const io::MapFacts& facts = maps->facts();
    fuzz::require(facts.count > 0, "no maps");
    for (const std::uint64_t index : {std::uint64_t{0}, facts.count - 1})
      fuzz::require(maps->read(index).size() == facts.ny * facts.nx, "a map of another size");
  });
  return 0;
}
