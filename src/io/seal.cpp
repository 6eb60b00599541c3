#include "io/seal.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::io {
namespace {

constexpr std::uint64_t block_bytes = 1U << 20U;
constexpr const char* seal_format = "\ntessera seal {:016x} {:020d}\n";
constexpr std::size_t seal_bytes = 52;

/// What a seal says: how many bytes are before it, and their checksum.
struct Seal {
  std::uint64_t bytes, checksum;
};

std::string text_of(const Seal& seal) { return fmt::format(seal_format, seal.checksum, seal.bytes); }

/// The system could not read: that says nothing of what a file holds.
class Unreadable : public Error {
 public:
  using Error::Error;
};

/// A file by its descriptor.
class Bytes {
 public:
  Bytes(const std::string& path, int flags) : path_(path), file_(open(path.c_str(), flags | O_CLOEXEC)) {
    if (file_ < 0) throw Unreadable(fmt::format("cannot open '{}' ({})", path, std::strerror(errno)));
  }
  ~Bytes() { close(file_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  Bytes(Bytes&&) = delete;
  Bytes& operator=(Bytes&&) = delete;

  [[nodiscard]] std::uint64_t size() const {
    struct stat status {};
    if (fstat(file_, &status) != 0) fail("cannot look at '{}' ({})", path_, std::strerror(errno));
    return static_cast<std::uint64_t>(status.st_size);
  }

  /// Fills `into` with the bytes from `first` on.
  void read(std::uint64_t first, std::span<char> into) const {
    while (!into.empty()) {
      const ssize_t got = pread(file_, into.data(), into.size(), static_cast<off_t>(first));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw Unreadable(fmt::format("cannot read '{}' ({})", path_, std::strerror(errno)));
      if (got == 0) fail("'{}' became shorter while it was read", path_);
      into = into.subspan(static_cast<std::size_t>(got));
      first += static_cast<std::uint64_t>(got);
    }
  }

  void append(std::uint64_t place, std::string_view text) const {
    while (!text.empty()) {
      const ssize_t put = pwrite(file_, text.data(), text.size(), static_cast<off_t>(place));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) fail("cannot seal '{}' ({}); free some space and run again", path_, std::strerror(errno));
      text.remove_prefix(static_cast<std::size_t>(put));
      place += static_cast<std::uint64_t>(put);
    }
  }

 private:
  std::string path_;
  int file_;
};

/// A word changes it whatever came before: each step is one to one in the word and in what there was.
std::uint64_t mixed(std::uint64_t sum, std::uint64_t word) {
  return std::rotl((sum ^ word) * 0x9E3779B97F4A7C15U, 29);
}

/// Of a block with its place in the file.
std::uint64_t block_checksum(std::uint64_t number, std::span<const char> block) {
  std::uint64_t sum = mixed(number, block.size());
  while (!block.empty()) {
    std::uint64_t word = 0;
    const std::size_t length = std::min(block.size(), sizeof(word));
    std::memcpy(&word, block.data(), length);
    sum = mixed(sum, word);
    block = block.subspan(length);
  }
  return mixed(mixed(sum, 0), sum >> 32U);
}

/// mpi::collectively; unreadable: set on the rank whose work ended in such an error.
template <class Work>
void read_together(const mpi::Communicator& comm, bool& unreadable, Work&& work) {
  mpi::collectively(comm, [&] {
    try {
      work();
    } catch (const Unreadable&) {
      unreadable = true;
      throw;
    }
  });
}

/// Of the first `bytes` of a file, the same on any number of ranks. Collective.
std::uint64_t checksum_of(const mpi::Communicator& comm, const std::string& path, std::uint64_t bytes,
                          bool& unreadable) {
  std::uint64_t sum = 0;
  read_together(comm, unreadable, [&] {
    const Bytes file(path, O_RDONLY);
    const std::uint64_t blocks = (bytes + block_bytes - 1) / block_bytes;
    const auto ranks = static_cast<std::uint64_t>(comm.size()),
               rank = static_cast<std::uint64_t>(comm.rank());
    std::vector<char> buffer(block_bytes);
    for (std::uint64_t b = blocks * rank / ranks; b < blocks * (rank + 1) / ranks; ++b) {
      const std::uint64_t first = b * block_bytes;
      const std::span<char> block(buffer.data(), std::min(block_bytes, bytes - first));
      file.read(first, block);
      sum += block_checksum(b, block);
    }
  });
  return comm.sum(sum);
}

/// The seal that a file ends in, if it ends in one.
std::optional<Seal> seal_of(const std::string& path) {
  const Bytes file(path, O_RDONLY);
  const std::uint64_t size = file.size();
  if (size < seal_bytes) return {};
  std::string text(seal_bytes, ' ');
  file.read(size - seal_bytes, text);
  Seal seal{size - seal_bytes, 0};
  // Of the right form if it is what would be written: the checksum is all that is not known.
  seal.checksum = std::strtoull(text.substr(14, 16).c_str(), nullptr, 16);
  if (text_of(seal) != text) return {};
  return seal;
}

}  // namespace

void add_seal(const mpi::Communicator& comm, const std::string& path) {
  std::uint64_t bytes = 0;
  mpi::collectively(comm, [&] { bytes = comm.is_root() ? Bytes(path, O_RDONLY).size() : 0; });
  bytes = comm.max(bytes);
  bool ignored = false;
  const std::uint64_t checksum = checksum_of(comm, path, bytes, ignored);
  mpi::collectively(comm, [&] {
    if (comm.is_root()) Bytes(path, O_WRONLY).append(bytes, text_of({bytes, checksum}));
  });
}

std::string broken_seal(const mpi::Communicator& comm, const std::string& path) {
  bool unreadable = false;  // on this rank
  try {
    std::optional<Seal> seal;
    read_together(comm, unreadable, [&] {
      if (comm.is_root()) seal = seal_of(path);
    });
    if (comm.max(seal ? 1 : 0) == 0) return "it does not end in its checksum, so it was cut short or changed";
    const std::uint64_t bytes = comm.max(seal ? seal->bytes : 0);
    const std::uint64_t found = checksum_of(comm, path, bytes, unreadable),
                        expected = comm.max(seal ? seal->checksum : 0);
    if (found == expected) return {};
    return fmt::format("its checksum is {:016x}, not {:016x}", found, expected);
  } catch (const Error& problem) {
    if (comm.max(unreadable ? 1 : 0) > 0)
      fail("{}; the file may be sound: mend that, and run again", problem.what());
    return problem.what();
  }
}

}  // namespace tessera::io
