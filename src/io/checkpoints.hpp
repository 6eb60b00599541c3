#pragma once

#include <functional>
#include <string>

#include "io/map_writer.hpp"

namespace tessera::io {

/// What a checkpoint is of.
struct CheckpointHead {
  std::string group;     // what it holds is below this group
  std::string contents;  // what that is, for people
  std::string identity;  // what a run that goes on must share with the one that was stopped
};

/// Whether a file is there, as rank 0 sees it; Error if it cannot tell, since what a disk that is unwell for
/// a moment does not show is not lost. Collective.
[[nodiscard]] bool exists(const mpi::Communicator& comm, const std::string& path);

/// Makes the group of a checkpoint, and has `file` sealed when it is committed. Collective.
void begin_checkpoint(MapWriter& writer, AtomicFile& file, const CheckpointHead& head);

/// Error if a checkpoint, which is there, is damaged or of another run. Collective.
void require_checkpoint(const mpi::Communicator& comm, const std::string& path, const CheckpointHead& head);

/// The two last checkpoints of a run, `path` and, of before, `path`.1: whenever the run is killed, one of
/// them is whole. Every member is collective.
class Checkpoints {
 public:
  /// comm must outlive it.
  Checkpoints(const mpi::Communicator& comm, std::string path, CheckpointHead head);

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Writes one more by write(file), which commits the file. If that cannot be done, warns and returns false:
  /// those before are left. Error only if HDF5 failed in the middle of its work.
  [[nodiscard]] bool save(const std::function<void(AtomicFile&)>& write) const;

  /// Error if there is one of a run that did not end: to begin anew would put it at risk. Unless `overwrite`.
  void require_none(bool overwrite) const;

  /// Reads the last checkpoint by read(path), or, with a warning, the one before if the last is damaged.
  /// Returns the name of the one that was read; empty if there is none. Error if none can be gone on from.
  /// read throws Error on every rank or on none, and changes nothing if it does.
  [[nodiscard]] std::string resume(const std::function<void(const std::string&)>& read) const;

  /// Ends a run that was asked to, after its last save(): EndedOnRequest, or Error if nothing could be saved.
  /// after: what it had done, for people.
  [[noreturn]] void end(bool saved, const std::string& after) const;

  /// To be called once the result of the run is safe.
  void remove() const;

 private:
  /// Returns what went wrong.
  [[nodiscard]] std::string try_to_save(const std::function<void(AtomicFile&)>& write) const;
  [[nodiscard]] bool made_room() const;
  void forget_damaged() const;

  const mpi::Communicator* comm_;
  std::string path_, before_;
  CheckpointHead head_;
};

}  // namespace tessera::io
