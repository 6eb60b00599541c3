#include "mpi/tree_sum.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera::mpi {

TreeSum::TreeSum(const Communicator& comm, std::uint64_t leaves, std::uint64_t begin, std::uint64_t end)
    : comm_(&comm), begin_(begin), end_(end) {
  TESSERA_REQUIRE(leaves > 0 && (leaves & (leaves - 1)) == 0 && begin <= end && end <= leaves);
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
                         std::span<double> sum) const {
  own_.nodes.clear();
  for (std::uint64_t leaf = begin_; leaf < end_; ++leaf) {
    make(leaf, next(own_, sum.size()));
    push(own_, {0, leaf}, sum.size());
  }
  if (comm_->size() == 1)
    std::copy(own_.vectors.front().begin(), own_.vectors.front().end(), sum.begin());
  else
    combine(sum);
}

void TreeSum::combine(std::span<double> sum) const {
  // Every rank adds a part of the entries, of which it gets all nodes.
  const auto ranks = static_cast<std::size_t>(comm_->size()), here = static_cast<std::size_t>(comm_->rank());
  const auto offset = [&](std::size_t rank) { return sum.size() * rank / ranks; };
  const auto part = [&](std::size_t rank) { return offset(rank + 1) - offset(rank); };
  std::size_t count = 0;
  for (const auto& nodes : nodes_) count += nodes.size();
  std::vector<double> received(count * part(here));
  std::vector<MPI_Request> requests;
  constexpr int tag = 11;
  std::size_t place = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank)
    for (std::size_t n = 0; n < nodes_[rank].size(); ++n, place += part(here)) {
      requests.emplace_back();
      check(MPI_Irecv(received.data() + place, static_cast<int>(part(here)), MPI_DOUBLE,
                      static_cast<int>(rank), tag, comm_->get(), &requests.back()),
            "MPI_Irecv");
    }
  for (std::size_t rank = 0; rank < ranks; ++rank)
    for (std::size_t n = 0; n < nodes_[here].size(); ++n) {
      requests.emplace_back();
      check(MPI_Isend(own_.vectors[n].data() + offset(rank), static_cast<int>(part(rank)), MPI_DOUBLE,
                      static_cast<int>(rank), tag, comm_->get(), &requests.back()),
            "MPI_Isend");
    }
  check(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  all_.nodes.clear();
  place = 0;
  for (const auto& nodes : nodes_)
    for (const Node& node : nodes) {
      std::copy_n(received.begin() + static_cast<std::ptrdiff_t>(place), part(here),
                  next(all_, part(here)).begin());
      push(all_, node, part(here));
      place += part(here);
    }
  std::vector<int> counts, offsets;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    counts.push_back(static_cast<int>(part(rank)));
    offsets.push_back(static_cast<int>(offset(rank)));
  }
  check(MPI_Allgatherv(all_.vectors.front().data(), counts[here], MPI_DOUBLE, sum.data(), counts.data(),
                       offsets.data(), MPI_DOUBLE, comm_->get()),
        "MPI_Allgatherv");
}

}  // namespace tessera::mpi
