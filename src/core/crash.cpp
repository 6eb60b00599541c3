#include "core/crash.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <unistd.h>

#include "core/text.hpp"
#include "core/unfinished_files.hpp"

namespace tessera::crash {
namespace {

constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};

struct State {
  std::array<struct sigaction, signals.size()> before{};  // who listened: Open MPI, a sanitizer
  std::array<char, 4096> message{};                       // ready to be written: a handler cannot make it
  std::size_t length = 0;                                 // 0: nothing is read
};

State& state() {
  static State state;
  return state;
}

void end(int signal) {
  if (state().length == 0) {
    for (std::size_t i = 0; i < signals.size(); ++i)
      if (signals[i] == signal) sigaction(signal, &state().before[i], nullptr);
    std::raise(signal);
    return;
  }
  if (unfinished_files::delete_all() && write(STDERR_FILENO, state().message.data(), state().length) < 0)
    _exit(2);
  _exit(1);
}

}  // namespace

void listen() {
  struct sigaction ours {};
  ours.sa_handler = end;
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &ours, &state().before[i]);
}

Guard::Guard(const std::string& sentence) {
  const std::string text = "error: " + one_line(sentence) + "\n";
  state().length = std::min(text.size(), state().message.size());
  std::copy_n(text.begin(), state().length, state().message.begin());
}

Guard::~Guard() { state().length = 0; }

Reading::Reading(const std::string& what)
    : Guard("reading " + what +
            " crashed a library, so the file is damaged; make it again, or take another copy") {}

}  // namespace tessera::crash
