#include "exchange/exchange_plan.hpp"

#include <numeric>

#include "core/error.hpp"
#include "sky/ownership.hpp"

namespace tessera::exchange {
namespace {

std::uint64_t length_of(const std::vector<ExchangePlan::Run>& runs) {
  return std::accumulate(runs.begin(), runs.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& run) { return sum + run.length; });
}

}  // namespace

ExchangePlan::ExchangePlan(int rank, std::vector<std::uint64_t> first_owned, const Wants& wants)
    : rank_(rank), first_owned_(std::move(first_owned)) {
  TESSERA_REQUIRE(first_owned_.size() >= 2 && rank >= 0 && rank < ranks());
  TESSERA_REQUIRE(std::is_sorted(first_owned_.begin(), first_owned_.end()));
  const auto size = static_cast<std::size_t>(ranks());
  send_.resize(size);
  receive_.resize(size);
  const auto here = static_cast<std::size_t>(rank);
  for (int other = 0; other < ranks(); ++other) {
    for (const Segment& segment : wants(other)) {
      TESSERA_REQUIRE(segment.source + segment.length <= first_owned_.back());
      // A segment may span the blocks of several owners.
      for (std::uint64_t done = 0; done < segment.length;) {
        const std::uint64_t index = segment.source + done;
        const auto from = static_cast<std::size_t>(owner(index));
        const std::uint64_t part = std::min(segment.length - done, first_owned_[from + 1] - index);
        if (from == here)
          send_[static_cast<std::size_t>(other)].push_back({index - first_owned_[here], part});
        if (other == rank) receive_[from].push_back({segment.destination + done, part});
        done += part;
      }
      if (other == rank) wanted_ = std::max(wanted_, segment.destination + segment.length);
    }
  }
}

int ExchangePlan::owner(std::uint64_t index) const { return static_cast<int>(owner_of(first_owned_, index)); }

std::uint64_t ExchangePlan::owned() const {
  const auto here = static_cast<std::size_t>(rank_);
  return first_owned_[here + 1] - first_owned_[here];
}

std::uint64_t ExchangePlan::sent() const {
  std::uint64_t sum = 0;
  for (int other = 0; other < ranks(); ++other)
    if (other != rank_) sum += length_of(send_[static_cast<std::size_t>(other)]);
  return sum;
}

std::uint64_t ExchangePlan::received() const {
  std::uint64_t sum = 0;
  for (int other = 0; other < ranks(); ++other)
    if (other != rank_) sum += length_of(receive_[static_cast<std::size_t>(other)]);
  return sum;
}

}  // namespace tessera::exchange
