#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace tessera::exchange {

/// `length` values from global index `source` on that a rank wants at `destination` in its own buffer.
struct Segment {
  std::uint64_t source, destination, length;
};

/// What every rank wants, by arithmetic alone: any rank can say it of any other.
using Wants = std::function<std::vector<Segment>(int rank)>;

/// Who sends which values to whom, so that values that ranks own in contiguous blocks of global indices come
/// to the ranks that want them, any number of times. Pure: no communication, and the same on every rank.
class ExchangePlan {
 public:
  /// A run of values in a local array.
  struct Run {
    std::uint64_t offset, length;
  };

  /// first_owned: global index of the first value of each rank, and the number of all values: [ranks + 1],
  /// not decreasing.
  ExchangePlan(int rank, std::vector<std::uint64_t> first_owned, const Wants& wants);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return static_cast<int>(first_owned_.size()) - 1; }

  /// Values that this rank owns, and the size of its buffer.
  [[nodiscard]] std::uint64_t owned() const;
  [[nodiscard]] std::uint64_t wanted() const { return wanted_; }

  /// Runs of this rank's own values for each rank, and runs of its buffer from each rank, both in the order
  /// of the receiving rank's segments: send of a to b and receive of b from a match run by run.
  [[nodiscard]] const std::vector<std::vector<Run>>& send() const { return send_; }
  [[nodiscard]] const std::vector<std::vector<Run>>& receive() const { return receive_; }

  /// Values that go to and come from other ranks.
  [[nodiscard]] std::uint64_t sent() const;
  [[nodiscard]] std::uint64_t received() const;

 private:
  [[nodiscard]] int owner(std::uint64_t index) const;

  int rank_;
  std::vector<std::uint64_t> first_owned_;
  std::uint64_t wanted_ = 0;
  std::vector<std::vector<Run>> send_, receive_;
};

}  // namespace tessera::exchange
