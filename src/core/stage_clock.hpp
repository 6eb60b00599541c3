#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/log.hpp"

namespace tessera {

/// Wall time of the stages of a run, one after the other. Only reports; nothing depends on it.
class StageClock {
 public:
  /// Ends the stage before, if any, and begins a new one.
  void begin(const std::string& stage) {
    end();
    stage_ = stage;
    start_ = Clock::now();
  }

  void end() {
    if (stage_.empty()) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    seconds_.emplace_back(stage_, seconds);
    log::detail("{}: {:.3f} s", stage_, seconds);
    stage_.clear();
  }

  /// Finished stages and their seconds.
  [[nodiscard]] const std::vector<std::pair<std::string, double>>& seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::string stage_;
  Clock::time_point start_;
  std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace tessera
