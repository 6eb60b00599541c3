// Catalogues as text.
#include "fuzz/fuzz.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  fuzz::refusing([&] { fuzz::check_shares(*catalogue::open_csv_table({file.path(), ""})); });
  return 0;
}
