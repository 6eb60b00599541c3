#include "core/interruption.hpp"

#include <csignal>
#include <initializer_list>

namespace tessera::interruption {
namespace {

// A signal's handler can reach nothing but globals.
volatile std::sig_atomic_t checkpoint = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t end = 0;         // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

extern "C" void on_signal(int signal) {
  if (signal == SIGUSR1)
    checkpoint = 1;
  else
    end = 1;
}

}  // namespace

void listen() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) sigaction(signal, &action, nullptr);
}

bool checkpoint_wanted() {
  const bool wanted = checkpoint != 0;
  checkpoint = 0;
  return wanted;
}

bool end_wanted() { return end != 0; }

}  // namespace tessera::interruption
