#include "mpi/traffic.hpp"

#include <cmath>

#include <mpi.h>

namespace tessera::mpi {
namespace {

Traffic& counted() {
  static Traffic traffic;
  return traffic;
}

}  // namespace

Traffic::Count Traffic::total() const {
  Count sum;
  for (const Count& count : counts) {
    sum.messages += count.messages;
    sum.bytes += count.bytes;
    sum.seconds += count.seconds;
  }
  return sum;
}

Traffic traffic() { return counted(); }

}  // namespace tessera::mpi

#ifdef TESSERA_COUNT_MESSAGES

namespace {

using tessera::mpi::Traffic;

/// Makes one call and counts it.
template <class Call>
int count(Traffic::Kind kind, double messages, double bytes, Call&& call) {
  Traffic::Count& entry = tessera::mpi::counted().counts[kind];
  const double start = PMPI_Wtime();
  const int code = call();
  entry.seconds += PMPI_Wtime() - start;
  entry.messages += messages;
  entry.bytes += bytes;
  return code;
}

double bytes_of(double items, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return items * size;
}

int rank_of(MPI_Comm comm) {
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  PMPI_Comm_size(comm, &size);
  return size;
}

/// A call whose way of sending is MPI's.
template <class Call>
int count_collective(Traffic::Kind kind, double items, MPI_Datatype type, MPI_Comm comm, Call&& call) {
  const int ranks = size_of(comm);
  return count(kind, std::ceil(std::log2(ranks)), ranks == 1 ? 0.0 : bytes_of(items, type), call);
}

}  // namespace

extern "C" {

int MPI_Isend(const void* buffer, int items, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  return count(Traffic::point_to_point, 1.0, bytes_of(items, type),
               [&] { return PMPI_Isend(buffer, items, type, to, tag, comm, request); });
}

int MPI_Send(const void* buffer, int items, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  return count(Traffic::point_to_point, 1.0, bytes_of(items, type),
               [&] { return PMPI_Send(buffer, items, type, to, tag, comm); });
}

int MPI_Sendrecv(const void* out, int out_items, MPI_Datatype out_type, int to, int out_tag, void* in,
                 int in_items, MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm,
                 MPI_Status* status) {
  const bool itself = to == rank_of(comm);
  return count(Traffic::point_to_point, itself ? 0.0 : 1.0, itself ? 0.0 : bytes_of(out_items, out_type),
               [&] {
                 return PMPI_Sendrecv(out, out_items, out_type, to, out_tag, in, in_items, in_type, from,
                                      in_tag, comm, status);
               });
}

// Waiting for messages is their time.
int MPI_Wait(MPI_Request* request, MPI_Status* status) {
  return count(Traffic::point_to_point, 0.0, 0.0, [&] { return PMPI_Wait(request, status); });
}

int MPI_Waitall(int requests, MPI_Request request[], MPI_Status status[]) {
  return count(Traffic::point_to_point, 0.0, 0.0, [&] { return PMPI_Waitall(requests, request, status); });
}

int MPI_Alltoall(const void* out, int out_items, MPI_Datatype out_type, void* in, int in_items,
                 MPI_Datatype in_type, MPI_Comm comm) {
  const double others = size_of(comm) - 1.0;
  return count(Traffic::all_to_all, out_items > 0 ? others : 0.0, others * bytes_of(out_items, out_type),
               [&] { return PMPI_Alltoall(out, out_items, out_type, in, in_items, in_type, comm); });
}

int MPI_Alltoallv(const void* out, const int out_items[], const int out_places[], MPI_Datatype out_type,
                  void* in, const int in_items[], const int in_places[], MPI_Datatype in_type,
                  MPI_Comm comm) {
  const int ranks = size_of(comm), own = rank_of(comm);
  double messages = 0.0, items = 0.0;
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank == own || out_items[rank] == 0) continue;
    messages += 1.0;
    items += out_items[rank];
  }
  return count(Traffic::all_to_all, messages, bytes_of(items, out_type), [&] {
    return PMPI_Alltoallv(out, out_items, out_places, out_type, in, in_items, in_places, in_type, comm);
  });
}

int MPI_Allreduce(const void* in, void* out, int items, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return count_collective(Traffic::reduce, items, type, comm,
                          [&] { return PMPI_Allreduce(in, out, items, type, op, comm); });
}

int MPI_Iallreduce(const void* in, void* out, int items, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  return count_collective(Traffic::reduce, items, type, comm,
                          [&] { return PMPI_Iallreduce(in, out, items, type, op, comm, request); });
}

int MPI_Exscan(const void* in, void* out, int items, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  return count_collective(Traffic::reduce, items, type, comm,
                          [&] { return PMPI_Exscan(in, out, items, type, op, comm); });
}

int MPI_Bcast(void* buffer, int items, MPI_Datatype type, int root, MPI_Comm comm) {
  const double sent = rank_of(comm) == root ? items : 0;
  return count_collective(Traffic::broadcast, sent, type, comm,
                          [&] { return PMPI_Bcast(buffer, items, type, root, comm); });
}

int MPI_Allgather(const void* out, int out_items, MPI_Datatype out_type, void* in, int in_items,
                  MPI_Datatype in_type, MPI_Comm comm) {
  // Every rank gets what all have, and passes as much on.
  const double others = size_of(comm) - 1.0;
  return count_collective(Traffic::gather, others * out_items, out_type, comm, [&] {
    return PMPI_Allgather(out, out_items, out_type, in, in_items, in_type, comm);
  });
}

int MPI_Allgatherv(const void* out, int out_items, MPI_Datatype out_type, void* in, const int in_items[],
                   const int places[], MPI_Datatype in_type, MPI_Comm comm) {
  // Round a ring: every rank passes on what the others have.
  const int ranks = size_of(comm), own = rank_of(comm);
  double items = 0.0;
  for (int rank = 0; rank < ranks; ++rank)
    if (rank != own) items += in_items[rank];
  return count(Traffic::gather, ranks - 1.0, bytes_of(items, in_type), [&] {
    return PMPI_Allgatherv(out, out_items, out_type, in, in_items, places, in_type, comm);
  });
}

int MPI_Barrier(MPI_Comm comm) {
  return count_collective(Traffic::barrier, 0.0, MPI_BYTE, comm, [&] { return PMPI_Barrier(comm); });
}

}  // extern "C"

#endif
