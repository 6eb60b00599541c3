#include "core/crash.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "core/text.hpp"
#include "core/unfinished_files.hpp"

namespace tessera::crash {
namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// Ready to be written: a handler cannot make it.
std::array<char, 4096> message;
std::size_t length = 0;

void end(int signal) {
  if (length == 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  if (unfinished_files::delete_all()) static_cast<void>(!write(STDERR_FILENO, message.data(), length));
  _exit(1);
}

}  // namespace

void listen() {
#ifndef __SANITIZE_ADDRESS__  // which tells more
  for (const int signal : signals) std::signal(signal, end);
#endif
}

Reading::Reading(const std::string& what) {
  const std::string text =
      "error: reading " + one_line(what) +
      " crashed a library, so the file is damaged; make it again, or take another copy\n";
  length = std::min(text.size(), message.size());
  std::memcpy(message.data(), text.data(), length);
}

Reading::~Reading() { length = 0; }

}  // namespace tessera::crash
