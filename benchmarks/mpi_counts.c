/* Counts what a program hands to MPI: LD_PRELOAD=libmpi_counts.so MPI_COUNTS=FOLDER mpirun ... makes FOLDER/rank_R.json when
 * MPI ends. The calls of libraries (FFTW, HDF5's MPI-IO) are counted as well.
 *
 * messages and bytes of a rank are those that it sends to others: of point-to-point calls and all-to-all what they name (what a
 * rank keeps for itself is left out); of Allreduce, Bcast, Allgather and Exscan, whose algorithm is the library's, one message of
 * the payload for every call. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { point, all_to_all, reduce, broadcast, gather, barrier, kinds };
static const char *const names[kinds] = {"point_to_point", "all_to_all", "reduce", "broadcast", "gather", "barrier"};
static struct {
  unsigned long long calls, messages;
  double bytes, seconds;
} counts[kinds];

static double size_of(MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return size;
}

static void add(enum kind kind, unsigned long long messages, double bytes, double start) {
  counts[kind].calls += 1;
  counts[kind].messages += messages;
  counts[kind].bytes += bytes;
  counts[kind].seconds += PMPI_Wtime() - start;
}

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Isend(buffer, count, type, to, tag, comm, request);
  add(point, 1, count * size_of(type), start);
  return code;
}

int MPI_Send(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Send(buffer, count, type, to, tag, comm);
  add(point, 1, count * size_of(type), start);
  return code;
}

int MPI_Sendrecv(const void *out, int out_count, MPI_Datatype out_type, int to, int out_tag, void *in, int in_count,
                 MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm, MPI_Status *status) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Sendrecv(out, out_count, out_type, to, out_tag, in, in_count, in_type, from, in_tag, comm, status);
  int me;
  PMPI_Comm_rank(comm, &me);
  add(point, to == me ? 0 : 1, to == me ? 0.0 : out_count * size_of(out_type), start);
  return code;
}

/* Waiting for point-to-point messages is their time. */
int MPI_Wait(MPI_Request *request, MPI_Status *status) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Wait(request, status);
  counts[point].seconds += PMPI_Wtime() - start;
  return code;
}

int MPI_Waitall(int count, MPI_Request requests[], MPI_Status statuses[]) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Waitall(count, requests, statuses);
  counts[point].seconds += PMPI_Wtime() - start;
  return code;
}

int MPI_Alltoall(const void *out, int out_count, MPI_Datatype out_type, void *in, int in_count, MPI_Datatype in_type,
                 MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Alltoall(out, out_count, out_type, in, in_count, in_type, comm);
  int ranks;
  PMPI_Comm_size(comm, &ranks);
  add(all_to_all, out_count > 0 ? ranks - 1 : 0, (ranks - 1.0) * out_count * size_of(out_type), start);
  return code;
}

int MPI_Alltoallv(const void *out, const int out_counts[], const int out_places[], MPI_Datatype out_type, void *in,
                  const int in_counts[], const int in_places[], MPI_Datatype in_type, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Alltoallv(out, out_counts, out_places, out_type, in, in_counts, in_places, in_type, comm);
  int ranks, me;
  PMPI_Comm_size(comm, &ranks);
  PMPI_Comm_rank(comm, &me);
  unsigned long long messages = 0;
  double items = 0.0;
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank == me || out_counts[rank] == 0) continue;
    ++messages;
    items += out_counts[rank];
  }
  add(all_to_all, messages, items * size_of(out_type), start);
  return code;
}

static void add_collective(enum kind kind, MPI_Comm comm, double bytes, double start) {
  int ranks;
  PMPI_Comm_size(comm, &ranks);
  add(kind, ranks > 1 ? 1 : 0, ranks > 1 ? bytes : 0.0, start);
}

int MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Allreduce(in, out, count, type, op, comm);
  add_collective(reduce, comm, count * size_of(type), start);
  return code;
}

int MPI_Iallreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm, MPI_Request *request) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Iallreduce(in, out, count, type, op, comm, request);
  add_collective(reduce, comm, count * size_of(type), start);
  return code;
}

int MPI_Exscan(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Exscan(in, out, count, type, op, comm);
  add_collective(reduce, comm, count * size_of(type), start);
  return code;
}

int MPI_Bcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Bcast(buffer, count, type, root, comm);
  add_collective(broadcast, comm, count * size_of(type), start);
  return code;
}

int MPI_Allgather(const void *out, int out_count, MPI_Datatype out_type, void *in, int in_count, MPI_Datatype in_type,
                  MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Allgather(out, out_count, out_type, in, in_count, in_type, comm);
  add_collective(gather, comm, out_count * size_of(out_type), start);
  return code;
}

int MPI_Allgatherv(const void *out, int out_count, MPI_Datatype out_type, void *in, const int in_counts[],
                   const int places[], MPI_Datatype in_type, MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Allgatherv(out, out_count, out_type, in, in_counts, places, in_type, comm);
  add_collective(gather, comm, out_count * size_of(out_type), start);
  return code;
}

int MPI_Barrier(MPI_Comm comm) {
  const double start = PMPI_Wtime();
  const int code = PMPI_Barrier(comm);
  add_collective(barrier, comm, 0.0, start);
  return code;
}

int MPI_Finalize(void) {
  const char *const folder = getenv("MPI_COUNTS");
  int rank;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  char path[4096];
  snprintf(path, sizeof(path), "%s/rank_%d.json", folder ? folder : ".", rank);
  FILE *const file = fopen(path, "w");
  if (file) {
    fprintf(file, "{");
    for (int k = 0; k < kinds; ++k)
      fprintf(file, "%s\"%s\": {\"calls\": %llu, \"messages\": %llu, \"bytes\": %.0f, \"seconds\": %.6f}", k ? ", " : "", names[k],
              counts[k].calls, counts[k].messages, counts[k].bytes, counts[k].seconds);
    fprintf(file, "}\n");
    fclose(file);
  }
  return PMPI_Finalize();
}
