#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace tessera::log {

enum class Verbosity { quiet, normal, verbose };

/// Where messages go: to standard output on the speaking rank (rank 0), nowhere on the others.
void configure(Verbosity verbosity, bool speaks);

void write_detail(const std::string& text);
void write_info(const std::string& text);
void write_warning(const std::string& text);

/// Shown with -v.
template <class... Args>
void detail(fmt::format_string<Args...> text, Args&&... args) {
  write_detail(fmt::format(text, std::forward<Args>(args)...));
}

/// Shown unless -q.
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  write_info(fmt::format(text, std::forward<Args>(args)...));
}

/// Always shown, on standard error, beginning with "warning:".
template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  write_warning(fmt::format(text, std::forward<Args>(args)...));
}

/// While one lives nothing is said, not even warnings.
class Hush {
 public:
  Hush();
  Hush(const Hush&) = delete;
  Hush& operator=(const Hush&) = delete;
  Hush(Hush&&) = delete;
  Hush& operator=(Hush&&) = delete;
  ~Hush();

 private:
  int out_, err_;
  bool progress_;
};

/// Progress of a long step with the remaining time: one line redrawn on a terminal, a plain line now and then
/// in a log file. Speaks on rank 0 only; never steers the computation.
class Progress {
 public:
  /// total: number of equal steps, at least 1.
  Progress(std::string label, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;
  ~Progress();

  /// One step more is done; `note` is shown behind the figures (for example a residual).
  void step(const std::string& note = {});

  /// Sets the fraction done, for steps of unequal size (0 to 1).
  void set(double fraction, const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::string& note);

  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  double fraction_ = 0.0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  bool drawn_ = false;
};

}  // namespace tessera::log
