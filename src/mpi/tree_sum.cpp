#include "mpi/tree_sum.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera::mpi {

TreeSum::TreeSum(const Communicator& comm, std::vector<std::uint64_t> begin, std::vector<std::size_t> entries)
    : comm_(&comm), begin_(std::move(begin)), entries_(std::move(entries)) {
  const auto ranks = static_cast<std::size_t>(comm.size()), here = static_cast<std::size_t>(comm.rank());
  TESSERA_REQUIRE(begin_.size() == ranks + 1 && begin_.front() == 0 &&
                  std::is_sorted(begin_.begin(), begin_.end()));
  TESSERA_REQUIRE(begin_.back() > 0 && (begin_.back() & (begin_.back() - 1)) == 0);
  TESSERA_REQUIRE(entries_.size() == ranks + 1 && entries_.front() == 0 &&
                  std::is_sorted(entries_.begin(), entries_.end()));
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    nodes_.push_back(nodes_of(begin_[rank], begin_[rank + 1]));
    if (rank != here) others_ += nodes_.back().size();
  }
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

/// Siblings are added, in place of the left one, as soon as both are there.
void TreeSum::push(std::vector<Term>& terms, Term term, std::size_t length) {
  while (!terms.empty() && terms.back().node.level == term.node.level &&
         (terms.back().node.index ^ 1U) == term.node.index) {
    double* const left = terms.back().values;
    for (std::size_t i = 0; i < length; ++i) left[i] += term.values[i];
    terms.pop_back();
    term = {{term.node.level + 1, term.node.index / 2}, left};
  }
  terms.push_back(term);
}

TreeSum::Kept TreeSum::most_kept(std::span<const std::uint64_t> begin) {
  Kept most{0, 0};
  std::uint64_t nodes = 0, fewest = begin.back();
  for (std::size_t rank = 0; rank + 1 < begin.size(); ++rank) {
    std::vector<Term> terms;
    for (std::uint64_t leaf = begin[rank]; leaf < begin[rank + 1]; ++leaf) {
      most.whole = std::max<std::uint64_t>(most.whole, terms.size() + 1);
      push(terms, {{0, leaf}, nullptr}, 0);
    }
    nodes += terms.size();
    fewest = std::min<std::uint64_t>(fewest, terms.size());
  }
  most.own_entries = nodes - fewest;
  return most;
}

std::span<double> TreeSum::buffer(std::size_t number, std::size_t length) const {
  if (buffers_.size() == number) buffers_.emplace_back();
  std::vector<double>& values = buffers_[number];
  if (values.capacity() < length) values = {};  // not both at a time
  values.resize(length);
  return values;
}

void TreeSum::operator()(const std::function<void(std::uint64_t, std::span<double>)>& make,
                         std::span<const std::span<double>> sums) const {
  const auto here = static_cast<std::size_t>(comm_->rank());
  for (const auto& sum : sums) TESSERA_REQUIRE(sum.size() == entries_[here + 1] - entries_[here]);
  const std::size_t length = sums.size() * entries_.back();
  own_.clear();
  for (std::uint64_t leaf = begin_[here]; leaf < begin_[here + 1]; ++leaf) {
    // A term stays where it was put in, and there are never more than buffers before it.
    const std::span<double> values = buffer(own_.size(), length);
    make(leaf, values);
    push(own_, {{0, leaf}, values.data()}, length);
  }
  exchange(sums.size());
  for (std::size_t v = 0; v < sums.size(); ++v) combine(v, sums[v]);
}

/// Of every vector a rank gets its own entries of the others' nodes.
void TreeSum::exchange(std::size_t vectors) const {
  const auto here = static_cast<std::size_t>(comm_->rank());
  const auto part = [&](std::size_t rank) { return entries_[rank + 1] - entries_[rank]; };
  received_.resize(vectors * others_ * part(here));
  requests_.clear();
  constexpr int tag = 11;
  double* place = received_.data();
  for (std::size_t v = 0; v < vectors; ++v)
    for (std::size_t rank = 0; rank < nodes_.size(); ++rank) {
      if (rank == here || part(here) == 0) continue;
      for (std::size_t n = 0; n < nodes_[rank].size(); ++n, place += part(here))
        check(MPI_Irecv(place, static_cast<int>(part(here)), MPI_DOUBLE, static_cast<int>(rank), tag,
                        comm_->get(), &requests_.emplace_back()),
              "MPI_Irecv");
    }
  for (std::size_t v = 0; v < vectors; ++v)
    for (std::size_t rank = 0; rank < nodes_.size(); ++rank) {
      if (rank == here || part(rank) == 0) continue;
      for (const Term& term : own_)
        check(MPI_Isend(term.values + v * entries_.back() + entries_[rank], static_cast<int>(part(rank)),
                        MPI_DOUBLE, static_cast<int>(rank), tag, comm_->get(), &requests_.emplace_back()),
              "MPI_Isend");
    }
  check(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
        "MPI_Waitall");
}

void TreeSum::combine(std::size_t vector, std::span<double> sum) const {
  const auto here = static_cast<std::size_t>(comm_->rank());
  double* place = received_.data() + vector * others_ * sum.size();
  terms_.clear();
  for (std::size_t rank = 0; rank < nodes_.size(); ++rank)
    for (std::size_t n = 0; n < nodes_[rank].size(); ++n) {
      double* const values =
          rank == here ? own_[n].values + vector * entries_.back() + entries_[here] : place;
      push(terms_, {nodes_[rank][n], values}, sum.size());
      if (rank != here) place += sum.size();
    }
  std::copy_n(terms_.front().values, sum.size(), sum.begin());
}

}  // namespace tessera::mpi
