#pragma once

#include <string>

#include "fuzz/fuzz.hpp"
#include "io/hdf5_handle.hpp"

namespace tessera::fuzz {

/// A sound HDF5 file whose groups, datasets, links, types, shapes and attributes the bytes choose, from names
/// that the program looks for: what a foreign program may have written. Files that HDF5 itself cannot read
/// are the library's to refuse.
class LayoutFile {
 public:
  explicit LayoutFile(Choices& choices);
  [[nodiscard]] std::string path() const { return file_.path(); }

 private:
  MemoryFile file_;
};

}  // namespace tessera::fuzz
