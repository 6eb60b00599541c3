#include "core/log.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace tessera::log {
namespace {

using namespace std::chrono_literals;

constexpr auto terminal_interval = 200ms;
constexpr auto file_interval = 10s;

/// Whether somebody watches: standard output is a terminal. mpirun gives every rank one of its own, so there
/// its own output counts.
bool is_watched() {
  if (isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("PMIX_RANK") == nullptr) return true;
  struct stat launcher {};
  const std::string output = fmt::format("/proc/{}/fd/{}", getppid(), STDOUT_FILENO);
  return stat(output.c_str(), &launcher) == 0 && S_ISCHR(launcher.st_mode);
}

struct State {
  std::shared_ptr<spdlog::logger> out = spdlog::stdout_logger_st("tessera");
  std::shared_ptr<spdlog::logger> err = spdlog::stderr_logger_st("tessera-warnings");
  bool progress = true;
  bool terminal = is_watched();
};

State& state() {
  static State instance = [] {
    State fresh;
    fresh.out->set_pattern("%v");
    fresh.err->set_pattern("%l: %v");
    fresh.out->flush_on(spdlog::level::info);
    return fresh;
  }();
  return instance;
}

std::string duration(double seconds) {
  if (seconds < 100.0) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000.0) return fmt::format("{:.0f} min", seconds / 60.0);
  return fmt::format("{:.1f} h", seconds / 3600.0);
}

}  // namespace

void configure(Verbosity verbosity, bool speaks) {
  auto level = spdlog::level::info;
  if (verbosity == Verbosity::quiet) level = spdlog::level::warn;
  if (verbosity == Verbosity::verbose) level = spdlog::level::debug;
  state().out->set_level(speaks ? level : spdlog::level::off);
  state().err->set_level(speaks ? spdlog::level::warn : spdlog::level::off);
  state().progress = speaks && verbosity != Verbosity::quiet;
}

Hush::Hush() : out_(state().out->level()), err_(state().err->level()), progress_(state().progress) {
  state().out->set_level(spdlog::level::off);
  state().err->set_level(spdlog::level::off);
  state().progress = false;
}

Hush::~Hush() {
  state().out->set_level(static_cast<spdlog::level::level_enum>(out_));
  state().err->set_level(static_cast<spdlog::level::level_enum>(err_));
  state().progress = progress_;
}

void write_detail(const std::string& text) { state().out->debug(text); }
void write_info(const std::string& text) { state().out->info(text); }
void write_warning(const std::string& text) { state().err->warn(text); }

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)), total_(std::max<std::uint64_t>(total, 1)) {}

Progress::~Progress() {
  if (drawn_ && state().terminal) std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
}

void Progress::step(const std::string& note) {
  ++done_;
  set(static_cast<double>(done_) / static_cast<double>(total_), note);
}

void Progress::set(double fraction, const std::string& note) {
  fraction_ = std::clamp(fraction, 0.0, 1.0);
  if (!state().progress) return;
  const auto now = Clock::now();
  if (now - last_ < (state().terminal ? Clock::duration(terminal_interval) : Clock::duration(file_interval)))
    return;
  last_ = now;
  draw(note);
}

void Progress::draw(const std::string& note) {
  const double elapsed = std::chrono::duration<double>(last_ - start_).count();
  const double left = fraction_ > 0.0 ? elapsed * (1.0 - fraction_) / fraction_ : 0.0;
  const std::string line =
      fmt::format("  {}: {:3.0f}%, {} left{}{}", label_, 100.0 * fraction_,
                  fraction_ > 0.0 ? duration(left) : std::string("?"), note.empty() ? "" : ", ", note);
  if (state().terminal) {
    std::fputs(fmt::format("\r\033[K{}", line).c_str(), stdout);
    std::fflush(stdout);
  } else {
    write_info(line);
  }
  drawn_ = true;
}

}  // namespace tessera::log
