#include <catch2/catch.hpp>

#include "mpi/communicator.hpp"
#include "mpi/traffic.hpp"

using namespace tessera;
using mpi::Traffic;

namespace {

Traffic::Count since(const Traffic& before, Traffic::Kind kind) {
  const Traffic::Count now = mpi::traffic().counts[kind], then = before.counts[kind];
  return {now.messages - then.messages, now.bytes - then.bytes, now.seconds - then.seconds};
}

}  // namespace

TEST_CASE("traffic is what is sent to other ranks") {
  const mpi::Communicator comm;
  const auto ranks = static_cast<std::uint64_t>(comm.size()), own = static_cast<std::uint64_t>(comm.rank());

  // Rank r gets r values of every rank, and keeps its own: 0 + 1 + ... less own.
  std::vector<std::uint64_t> offset{0};
  for (std::uint64_t rank = 0; rank < ranks; ++rank) offset.push_back(offset.back() + rank);
  const std::vector<double> values(offset.back(), 1.0);
  Traffic before = mpi::traffic();
  static_cast<void>(comm.all_to_all(std::span<const double>(values), offset));
  // The counts go first, an int to every other rank.
  const auto others = static_cast<double>(ranks - 1), sent = static_cast<double>(offset.back() - own);
  const Traffic::Count all_to_all = since(before, Traffic::all_to_all);
  CHECK(all_to_all.bytes == 4.0 * others + 8.0 * sent);
  // Nothing is sent to rank 0.
  CHECK(all_to_all.messages == others + (own == 0 ? others : others - 1.0));

  before = mpi::traffic();
  std::vector<double> sums(5, 1.0);
  comm.sum(std::span(sums));
  double depth = 0.0;
  for (std::uint64_t reach = 1; reach < ranks; reach *= 2) depth += 1.0;
  CHECK(since(before, Traffic::reduce).bytes == (ranks > 1 ? 40.0 : 0.0));
  CHECK(since(before, Traffic::reduce).messages == depth);

  before = mpi::traffic();
  const auto next = static_cast<int>((own + 1) % ranks), last = static_cast<int>((own + ranks - 1) % ranks);
  float out = 1.0F, in = 0.0F;
  MPI_Sendrecv(&out, 1, MPI_FLOAT, next, 0, &in, 1, MPI_FLOAT, last, 0, comm.get(), MPI_STATUS_IGNORE);
  CHECK(in == 1.0F);
  CHECK(since(before, Traffic::point_to_point).bytes == (ranks > 1 ? 4.0 : 0.0));
  CHECK(since(before, Traffic::point_to_point).messages == (ranks > 1 ? 1.0 : 0.0));
  CHECK(since(before, Traffic::reduce).messages == 0.0);

  // All values but its own, passed round a ring.
  before = mpi::traffic();
  std::vector<std::size_t> parts{0};
  for (std::uint64_t rank = 0; rank < ranks; ++rank) parts.push_back(parts.back() + rank);
  std::vector<double> gathered(parts.back(), static_cast<double>(own));
  comm.all_gather_parts(gathered, parts);
  for (std::uint64_t rank = 0; rank < ranks; ++rank)
    for (std::size_t i = parts[rank]; i < parts[rank + 1]; ++i)
      CHECK(gathered[i] == static_cast<double>(rank));
  CHECK(since(before, Traffic::gather).bytes == 8.0 * static_cast<double>(parts.back() - own));
  CHECK(since(before, Traffic::gather).messages == static_cast<double>(ranks - 1));

  before = mpi::traffic();
  static_cast<void>(comm.all_gather(1.0));
  CHECK(since(before, Traffic::gather).bytes == 8.0 * static_cast<double>(ranks - 1));
  CHECK(since(before, Traffic::gather).messages == depth);
}
