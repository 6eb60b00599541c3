#pragma once

#include <string>

#include "mpi/communicator.hpp"

namespace tessera::io {

/// Whether the disk, and a quota on it, would give so many bytes to one more file in the folder of `path`. On
/// this rank alone.
[[nodiscard]] bool has_space_beside(const std::string& path, double bytes);

/// A file that is there whole or not at all: written under the name `<path>.partial`, flushed and renamed by
/// commit(). What a killed run left behind is overwritten by the next; what a failed run left is removed.
/// Every member is collective unless said otherwise.
class AtomicFile {
 public:
  /// Checks at once, before any work is done, that the folder can be written, that `path` does not exist (or
  /// may be replaced), and that no other run is writing it: Error on every rank otherwise.
  AtomicFile(const mpi::Communicator& comm, std::string path, bool overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile(AtomicFile&&) = delete;
  AtomicFile& operator=(AtomicFile&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The name to write to.
  [[nodiscard]] const std::string& temporary() const { return temporary_; }

  /// Sets disk space aside for the temporary file, which exists by now, so that a full disk shows before the
  /// work and not in the middle of writing. Where the file system cannot, its free space is checked. Error on
  /// every rank.
  void reserve(double bytes) const;

  /// To be called before a writer that makes the temporary file anew, as cfitsio does: the file is not
  /// watched any longer.
  void give_up_lock();

  /// commit() seals the file (io/seal.hpp).
  void sealed() { sealed_ = true; }
  /// commit() leaves the file that is replaced under this name.
  void keep_replaced(std::string name) { kept_ = std::move(name); }

  /// Makes the file durable and visible: barrier, fsync, rename, fsync of the folder. All writers have closed
  /// it.
  void commit();

 private:
  void require_own() const;
  void replace() const;

  const mpi::Communicator* comm_;
  std::string path_;
  std::string temporary_;
  std::string kept_;  // empty: nothing is kept
  int file_ = -1;     // descriptor of the temporary file, on rank 0, with its lock
  bool sealed_ = false;
  bool committed_ = false;
};

}  // namespace tessera::io
