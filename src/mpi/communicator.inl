#pragma once

#include <cstring>
#include <type_traits>

namespace tessera::mpi {

template <>
inline MPI_Datatype datatype<double>() {
  return MPI_DOUBLE;
}
template <>
inline MPI_Datatype datatype<int>() {
  return MPI_INT;
}
template <>
inline MPI_Datatype datatype<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
inline MPI_Datatype datatype<std::uint64_t>() {
  return MPI_UINT64_T;
}
template <>
inline MPI_Datatype datatype<char>() {
  return MPI_CHAR;
}

template <class T>
void Communicator::sum(std::span<T> values) const {
  check(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), datatype<T>(), MPI_SUM,
                      comm_),
        "MPI_Allreduce");
}

template <class T>
T Communicator::sum(T value) const {
  sum(std::span<T>(&value, 1));
  return value;
}

template <class T>
T Communicator::max(T value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, datatype<T>(), MPI_MAX, comm_), "MPI_Allreduce");
  return value;
}

template <class T>
T Communicator::min(T value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, datatype<T>(), MPI_MIN, comm_), "MPI_Allreduce");
  return value;
}

template <class T>
void Communicator::broadcast(std::span<T> values, int root) const {
  check(MPI_Bcast(values.data(), static_cast<int>(values.size()), datatype<T>(), root, comm_), "MPI_Bcast");
}

template <class T>
std::vector<T> Communicator::all_gather(T value) const {
  std::vector<T> all(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&value, 1, datatype<T>(), all.data(), 1, datatype<T>(), comm_), "MPI_Allgather");
  return all;
}

template <class T>
std::vector<T> Communicator::all_to_all(std::span<const T> values, std::span<const std::uint64_t> offset,
                                        std::vector<std::uint64_t>* received_offset) const {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::vector<std::byte> bytes = all_to_all_bytes(values.data(), sizeof(T), offset, received_offset);
  std::vector<T> received(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(received.data(), bytes.data(), bytes.size());
  return received;
}

}  // namespace tessera::mpi
