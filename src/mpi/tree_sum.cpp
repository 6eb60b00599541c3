#include "mpi/tree_sum.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera::mpi {

TreeSum::TreeSum(const Communicator& comm, std::uint64_t leaves, std::uint64_t begin, std::uint64_t end,
                 std::vector<std::size_t> entries)
    : comm_(&comm), begin_(begin), end_(end), entries_(std::move(entries)) {
  TESSERA_REQUIRE(leaves > 0 && (leaves & (leaves - 1)) == 0 && begin <= end && end <= leaves);
  TESSERA_REQUIRE(entries_.size() == static_cast<std::size_t>(comm.size()) + 1 && entries_.front() == 0 &&
                  std::is_sorted(entries_.begin(), entries_.end()));
  const auto begins = comm.all_gather(begin), ends = comm.all_gather(end);
  std::uint64_t covered = 0;
  for (std::size_t rank = 0; rank < begins.size(); ++rank) {
    TESSERA_REQUIRE(begins[rank] == covered);
    covered = ends[rank];
    nodes_.push_back(nodes_of(begins[rank], ends[rank]));
  }
  TESSERA_REQUIRE(covered == leaves);
}

std::vector<TreeSum::Node> TreeSum::nodes_of(std::uint64_t begin, std::uint64_t end) {
  std::vector<Node> nodes;
  while (begin < end) {
    std::uint64_t level = 0;
    while ((begin >> level & 1U) == 0 && begin + (std::uint64_t{2} << level) <= end) ++level;
    nodes.push_back({level, begin >> level});
    begin += std::uint64_t{1} << level;
  }
  return nodes;
}

std::span<double> TreeSum::next(Stack& stack, std::size_t length) {
  const std::size_t depth = stack.nodes.size();
  if (stack.vectors.size() == depth) stack.vectors.emplace_back();
  if (stack.vectors[depth].size() > length)
    stack.vectors[depth] = {};  // of more vectors at a time: give back
  stack.vectors[depth].resize(length);
  return stack.vectors[depth];
}

void TreeSum::push(Stack& stack, Node node, std::size_t length) {
  while (!stack.nodes.empty() && stack.nodes.back().level == node.level &&
         (stack.nodes.back().index ^ 1U) == node.index) {
    const std::size_t top = stack.nodes.size();
    double* const left = stack.vectors[top - 1].data();
    const double* const right = stack.vectors[top].data();
    for (std::size_t i = 0; i < length; ++i) left[i] += right[i];
    stack.nodes.pop_back();
    node = {node.level + 1, node.index / 2};
  }
  stack.nodes.push_back(node);
}

void TreeSum::operator()(const std::function<void(std::uint64_t, std::span<double>)>& make,
                         std::span<const std::span<double>> sums) const {
  const auto here = static_cast<std::size_t>(comm_->rank());
  for (const auto& sum : sums) TESSERA_REQUIRE(sum.size() == entries_[here + 1] - entries_[here]);
  const std::size_t length = sums.size() * entries_.back();
  own_.nodes.clear();
  for (std::uint64_t leaf = begin_; leaf < end_; ++leaf) {
    make(leaf, next(own_, length));
    push(own_, {0, leaf}, length);
  }
  if (comm_->size() == 1) {
    auto from = own_.vectors.front().begin();
    for (const auto& sum : sums) {
      std::copy_n(from, sum.size(), sum.begin());
      from += static_cast<std::ptrdiff_t>(sum.size());
    }
    return;
  }
  exchange(sums.size());
  for (std::size_t v = 0; v < sums.size(); ++v) combine(v, sums[v]);
}

/// Of every vector a rank gets its own entries of all nodes.
void TreeSum::exchange(std::size_t vectors) const {
  const auto here = static_cast<std::size_t>(comm_->rank());
  const auto part = [&](std::size_t rank) { return entries_[rank + 1] - entries_[rank]; };
  std::size_t count = 0;
  for (const auto& nodes : nodes_) count += nodes.size();
  received_.resize(vectors * count * part(here));
  requests_.clear();
  constexpr int tag = 11;
  double* place = received_.data();
  for (std::size_t v = 0; v < vectors; ++v)
    for (std::size_t rank = 0; rank < nodes_.size(); ++rank)
      for (std::size_t n = 0; n < nodes_[rank].size() && part(here) > 0; ++n, place += part(here))
        check(MPI_Irecv(place, static_cast<int>(part(here)), MPI_DOUBLE, static_cast<int>(rank), tag,
                        comm_->get(), &requests_.emplace_back()),
              "MPI_Irecv");
  for (std::size_t v = 0; v < vectors; ++v)
    for (std::size_t rank = 0; rank < nodes_.size(); ++rank)
      for (std::size_t n = 0; n < nodes_[here].size() && part(rank) > 0; ++n)
        check(MPI_Isend(own_.vectors[n].data() + v * entries_.back() + entries_[rank],
                        static_cast<int>(part(rank)), MPI_DOUBLE, static_cast<int>(rank), tag, comm_->get(),
                        &requests_.emplace_back()),
              "MPI_Isend");
  check(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
        "MPI_Waitall");
}

void TreeSum::combine(std::size_t vector, std::span<double> sum) const {
  std::size_t count = 0;
  for (const auto& nodes : nodes_) count += nodes.size();
  const double* from = received_.data() + vector * count * sum.size();
  all_.nodes.clear();
  for (const auto& nodes : nodes_)
    for (const Node& node : nodes) {
      std::copy_n(from, sum.size(), next(all_, sum.size()).begin());
      push(all_, node, sum.size());
      from += sum.size();
    }
  std::copy_n(all_.vectors.front().begin(), sum.size(), sum.begin());
}

}  // namespace tessera::mpi
