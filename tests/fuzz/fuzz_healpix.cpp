// FITS files as HEALPix maps.
#include <algorithm>
#include <functional>

#include "fuzz/fuzz.hpp"
#include "io/healpix_fits.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  fuzz::refusing([&] {
    const io::HealpixMap map = io::read_healpix_fits(file.path(), "");
    const std::uint64_t sphere = 12 * map.nside * map.nside;
    fuzz::require(map.values.size() == (map.pixels.empty() ? sphere : map.pixels.size()),
                  "a map of another size");
    fuzz::require(map.pixels.empty() || map.pixels.back() < sphere, "a pixel beyond the sphere");
    fuzz::require(
        std::adjacent_find(map.pixels.begin(), map.pixels.end(), std::greater_equal<>()) == map.pixels.end(),
        "pixels out of order");
  });
  return 0;
}
