#include "io/atomic_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

#include "core/error.hpp"
#include "core/unfinished_files.hpp"
#include "io/seal.hpp"
#include "mpi/agreement.hpp"

namespace tessera::io {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? std::string(".") : parent.string();
}

void check_destination(const std::string& path, bool overwrite) {
  std::error_code problem, ignored;
  const fs::file_status status = fs::status(path, problem);
  if (problem && status.type() != fs::file_type::not_found)
    fail("cannot write output '{}' ({}); choose another name", path, problem.message());
  if (!fs::exists(status)) {
    if (fs::is_symlink(path, ignored))
      fail("output '{}' is a link to a file that is not there; remove the link or choose another name", path);
    return;
  }
  if (!fs::is_regular_file(status)) fail("output '{}' is not a regular file; choose another name", path);
  if (!overwrite) fail("output '{}' exists and would be lost; choose another name or pass --overwrite", path);
}

/// Sets space aside beyond the end of a file, -1 if it could not be opened. Where that cannot be done, the
/// free space must do. Returns what is in the way.
std::string set_aside(int file, const std::string& path, double bytes) {
  const bool done = file >= 0 && fallocate(file, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0;
  const int reason = file >= 0 ? errno : 0;
  if (done) return {};
  if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG) return std::strerror(reason);
  struct statvfs status {};
  if (statvfs(folder_of(path).c_str(), &status) != 0) return {};
  const double free_bytes = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  return free_bytes < bytes ? fmt::format("{:.1f} MB free", free_bytes * 1e-6) : std::string();
}

[[noreturn]] void fail_for_space(const std::string& path, double bytes, const std::string& reason) {
  fail("output '{}' needs {:.1f} MB and the disk cannot give them ({}); free some space or write elsewhere",
       path, bytes * 1e-6, reason);
}

void reserve_space(const std::string& path, const std::string& temporary, double bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      static_cast<double>(limit.rlim_cur) < bytes)
    fail_for_space(path, bytes, "limit on the size of a file");
  const int file = open(temporary.c_str(), O_WRONLY | O_CLOEXEC);
  const std::string trouble = set_aside(file, path, bytes);
  if (file >= 0) close(file);
  if (!trouble.empty()) fail_for_space(path, bytes, trouble);
}

/// Returns what was set aside beyond the file's end.
void trim(const std::string& name) {
  struct stat status {};
  if (stat(name.c_str(), &status) == 0 && truncate(name.c_str(), status.st_size) != 0)
    fail("cannot trim '{}' ({})", name, std::strerror(errno));
}

/// Whether a run holds the file that is there. Where locks are not known, none does.
bool is_held(const std::string& temporary) {
  const int file = open(temporary.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return false;
  const bool held = flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return held;
}

/// Makes the temporary file anew and returns its descriptor, which holds a lock: one that a killed run left
/// behind goes, what it is a link to does not.
int create_empty(const std::string& temporary) {
  struct stat status {};
  if (lstat(temporary.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
    fail(
        "'{}' is in the way, a folder or a pipe where the output is written first; remove it or choose "
        "another name",
        temporary);
  if (is_held(temporary))
    fail(
        "another run is writing '{}' now, and the two would ruin each other's work; wait for it, or choose "
        "another name",
        temporary);
  unlink(temporary.c_str());
  const int file = open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  if (file < 0)
    fail("cannot write '{}' ({}); check that the folder exists and is writable", temporary,
         std::strerror(errno));
  flock(file, LOCK_EX | LOCK_NB);
  return file;
}

/// Whether the name is that of the file still.
bool is_own(int file, const std::string& temporary) {
  struct stat ours {
  }, found{};
  return fstat(file, &ours) == 0 && lstat(temporary.c_str(), &found) == 0 && ours.st_dev == found.st_dev &&
         ours.st_ino == found.st_ino;
}

void sync(const std::string& name, int flags) {
  const int file = open(name.c_str(), flags | O_CLOEXEC);
  bool done = file >= 0 && fsync(file) == 0;
  const int reason = errno;
  // Some file systems do not flush folders, and need not.
  constexpr std::array not_for_folders{EINVAL, ENOSYS, ENOTSUP, EACCES, EBADF};
  if ((flags & O_DIRECTORY) != 0 && std::ranges::find(not_for_folders, reason) != not_for_folders.end())
    done = true;
  if (file >= 0) close(file);
  if (!done)
    fail("cannot flush '{}' to disk ({}); free some space and run again", name, std::strerror(reason));
}

}  // namespace

bool has_space_beside(const std::string& path, double bytes) {
  const std::string probe = path + ".space";
  const int file = open(probe.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) unlink(probe.c_str());
  const bool found = set_aside(file, path, bytes).empty();
  if (file >= 0) close(file);
  return found;
}

AtomicFile::AtomicFile(const mpi::Communicator& comm, std::string path, bool overwrite)
    : comm_(&comm), path_(std::move(path)), temporary_(path_ + ".partial") {
  mpi::collectively(comm, [&] {
    if (!comm.is_root()) return;
    check_destination(path_, overwrite);
    file_ = create_empty(temporary_);
  });
  unfinished_files::add(temporary_);  // on every rank: whichever ends the job
}

void AtomicFile::reserve(double bytes) const {
  mpi::collectively(*comm_, [&] {
    if (comm_->is_root()) reserve_space(path_, temporary_, bytes);
  });
}

void AtomicFile::give_up_lock() {
  if (file_ >= 0) close(std::exchange(file_, -1));
}

AtomicFile::~AtomicFile() {
  if (!committed_ && comm_->is_root() && (file_ < 0 || is_own(file_, temporary_))) unlink(temporary_.c_str());
  give_up_lock();
  unfinished_files::remove(temporary_);
}

void AtomicFile::require_own() const {
  if (file_ >= 0 && !is_own(file_, temporary_))
    fail(
        "'{}' was taken away or replaced while it was written, perhaps by another run of the same output; "
        "run again",
        temporary_);
}

void AtomicFile::replace() const {
  // Whatever ends the program between the two, one whole file is left.
  if (!kept_.empty() && std::rename(path_.c_str(), kept_.c_str()) != 0 && errno != ENOENT)
    fail("cannot rename '{}' to '{}' ({})", path_, kept_, std::strerror(errno));
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail("cannot rename '{}' to '{}' ({})", temporary_, path_, std::strerror(errno));
}

void AtomicFile::commit() {
  comm_->barrier();
  mpi::collectively(*comm_, [&] {
    if (!comm_->is_root()) return;
    require_own();
    trim(temporary_);
  });
  if (sealed_) add_seal(*comm_, temporary_);
  mpi::collectively(*comm_, [&] {
    if (!comm_->is_root()) return;
    sync(temporary_, O_RDWR);
    require_own();
    replace();
    give_up_lock();  // others may read the file
    sync(folder_of(path_), O_RDONLY | O_DIRECTORY);
  });
  committed_ = true;
}

}  // namespace tessera::io
