#include "apps/stage_clock.hpp"

#include <algorithm>
#include <utility>

#include "core/log.hpp"
#include "mpi/traffic.hpp"

namespace tessera::apps {

Usage StageClock::now() {
  using Seconds = std::chrono::duration<double>;
  const mpi::Traffic::Count sent = mpi::traffic().total();
  return {Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(), sent.bytes, sent.messages};
}

void StageClock::begin(const std::string& stage) {
  end();
  stages_.push_back({stage, {}, {}});
  running_ = true;
  start_ = lap_ = now();
}

void StageClock::end() {
  if (!running_) return;
  running_ = false;
  Stage& stage = stages_.back();
  stage.usage = now() - start_;
  log::detail("{}: {:.3f} s", stage.name, stage.usage.seconds);
}

void StageClock::lap(const std::string& part) {
  const Usage before = std::exchange(lap_, now());
  if (part.empty() || !running_) return;
  std::vector<Part>& parts = stages_.back().parts;
  auto place =
      std::find_if(parts.begin(), parts.end(), [&](const Part& known) { return known.name == part; });
  if (place == parts.end()) place = parts.insert(parts.end(), {part, 0, {}});
  ++place->count;
  place->usage += lap_ - before;
}

}  // namespace tessera::apps
