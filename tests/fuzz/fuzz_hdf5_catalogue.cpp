// Layouts of HDF5 files, read as catalogues. The first byte chooses --section.
#include <array>

#include "fuzz/layout.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array sections{"", "/shear/bin_*", "shear", "/data", "table", "//", "*"};
  fuzz::Choices choices(data, size);
  const std::string section = choices.of(sections);
  const fuzz::LayoutFile file(choices);
  fuzz::refusing([&] { fuzz::check_shares(*catalogue::open_hdf5_table({file.path(), section})); });
  return 0;
}
