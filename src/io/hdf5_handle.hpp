#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

#include "core/error.hpp"

namespace tessera::io {

/// Owns one HDF5 identifier and closes it. Move only.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }

  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] explicit operator bool() const { return id_ >= 0; }

  /// Gives the identifier up without closing it.
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

  /// Closes now; false if HDF5 reports a failure (for a file: data may not have reached the disk).
  bool reset() {
    const hid_t id = std::exchange(id_, H5I_INVALID_HID);
    return id < 0 || Close(id) >= 0;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using FileHandle = Handle<H5Fclose>;
using GroupHandle = Handle<H5Gclose>;
using DatasetHandle = Handle<H5Dclose>;
using SpaceHandle = Handle<H5Sclose>;
using TypeHandle = Handle<H5Tclose>;
using AttributeHandle = Handle<H5Aclose>;
using PropertyHandle = Handle<H5Pclose>;

/// Keeps HDF5 from printing its error stack: errors are reported by exception. Call once, early.
void silence_hdf5();

/// Whether a parallel file had to be given up: after a failed write the ranks' views of it differ, so that
/// closing it, or ending MPI, which closes what is open, would hang or crash. The process must then end by
/// MPI_Abort.
[[nodiscard]] bool has_abandoned_file();
void abandon(FileHandle& file);

/// What `checked` throws: the library does not say of which file.
class Hdf5Failure : public Error {
 public:
  using Error::Error;
};

/// Turns a negative HDF5 return value into Hdf5Failure("HDF5 could not <what>").
hid_t checked(hid_t status, std::string_view what);

/// Runs work that reads a file; what HDF5 could not do is told with the file's name.
template <class Work>
auto reading(const std::string& path, Work&& work) {
  try {
    return work();
  } catch (const Hdf5Failure& problem) {
    fail("'{}' is damaged: {}; take a fresh copy, or look at it with h5ls", path, problem.what());
  }
}

/// Error if there is no file of that path that can be read, or it is a folder or a stream.
void require_readable(const std::string& path);

/// Opens a file for reading by this process alone; Error with the path and the reason if it is missing or not
/// HDF5.
[[nodiscard]] FileHandle open_for_reading(const std::string& path);

/// A string attribute or dataset content type: variable length, UTF-8.
[[nodiscard]] TypeHandle utf8_string_type();

}  // namespace tessera::io
