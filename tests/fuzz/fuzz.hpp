#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::fuzz {

/// Error that the fuzzer reports: not tessera::Error.
inline void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

/// Bytes as a file of this process, with a path to it.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* bytes, std::size_t size) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    while (size > 0) {
      const ssize_t written = write(descriptor_, bytes, size);
      require(written > 0, "no memory for a file");
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }
  explicit MemoryFile(std::string_view text)
      : MemoryFile(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) {}
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  MemoryFile(MemoryFile&&) = delete;
  MemoryFile& operator=(MemoryFile&&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Bytes that steer a target, one after the other; zeros when there are no more.
class Choices {
 public:
  Choices(const std::uint8_t* bytes, std::size_t size) : next_(bytes), end_(bytes + size) {}
  [[nodiscard]] bool empty() const { return next_ == end_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : *next_++; }
  std::size_t below(std::size_t count) { return byte() % count; }
  template <class List>
  auto of(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  const std::uint8_t *next_, *end_;
};

/// Runs work that may refuse its input: every refusal has a text that fits on a line.
template <class Work>
void refusing(Work&& work) {
  try {
    work();
  } catch (const Error& problem) {
    const std::string text = problem.what();
    require(!text.empty() && !one_line(text).empty(), "an error without a text");
  }
}

/// What the shares of three ranks are, one behind the other, is what one rank reads.
void check_shares(const catalogue::Table& table);

}  // namespace tessera::fuzz
