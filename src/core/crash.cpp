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

/// What listened before: Open MPI's, a sanitizer's.
std::array<struct sigaction, signals.size()> before;

// Ready to be written: a handler cannot make it.
std::array<char, 4096> message;
std::size_t length = 0;

void end(int signal) {
  if (length == 0) {
    for (std::size_t i = 0; i < signals.size(); ++i)
      if (signals[i] == signal) sigaction(signal, &before[i], nullptr);
    std::raise(signal);
    return;
  }
  if (unfinished_files::delete_all()) static_cast<void>(!write(STDERR_FILENO, message.data(), length));
  _exit(1);
}

}  // namespace

void listen() {
  struct sigaction ours {};
  ours.sa_handler = end;
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &ours, &before[i]);
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
