#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::apps {

/// What work took on this rank.
struct Usage {
  double seconds = 0.0;
  double bytes = 0.0, messages = 0.0;  // sent to other ranks

  Usage& operator+=(const Usage& other) {
    seconds += other.seconds;
    bytes += other.bytes;
    messages += other.messages;
    return *this;
  }
  friend Usage operator-(const Usage& a, const Usage& b) {
    return {a.seconds - b.seconds, a.bytes - b.bytes, a.messages - b.messages};
  }
  friend Usage operator*(double factor, const Usage& a) {
    return {factor * a.seconds, factor * a.bytes, factor * a.messages};
  }
};

/// What the stages of a run take, one after the other, and parts of them that are repeated. Only reports;
/// nothing depends on it.
class StageClock {
 public:
  struct Part {
    std::string name;
    std::uint64_t count;
    Usage usage;  // of all `count`
  };
  struct Stage {
    std::string name;
    Usage usage;  // its parts included
    std::vector<Part> parts;
  };

  /// Ends the stage before, if any, and begins a new one.
  void begin(const std::string& stage);
  void end();

  /// Within a stage: what was done since its beginning, or since the last lap, was one `part`, or belongs to
  /// none if it is empty.
  void lap(const std::string& part);

  /// Finished stages.
  [[nodiscard]] const std::vector<Stage>& stages() const { return stages_; }

 private:
  [[nodiscard]] static Usage now();

  bool running_ = false;
  Usage start_, lap_;
  std::vector<Stage> stages_;
};

}  // namespace tessera::apps
