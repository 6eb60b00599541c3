#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <mpi.h>

namespace tessera::mpi {

/// Throws if an MPI call did not succeed. Always on.
void check(int status, const char* call);

/// Owns MPI: initialises it for one thread, finalises it at the end of main.
class Environment {
 public:
  Environment(int& argc, char**& argv);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;
};

template <class T>
MPI_Datatype datatype();

/// One of the ranks that share a node.
struct NodePlace {
  int rank, ranks;
};

/// A private duplicate of a communicator: its messages never meet those of other libraries. Move only;
/// construction and destruction are collective.
class Communicator {
 public:
  explicit Communicator(MPI_Comm original = MPI_COMM_WORLD);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&& other) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool is_root() const { return rank_ == 0; }
  [[nodiscard]] MPI_Comm get() const { return comm_; }

  /// The ranks that pass the same colour, in the order of their ranks here. Collective.
  [[nodiscard]] Communicator split(int colour) const;

  void barrier() const;

  /// Element-wise over the ranks, in place, the result on every rank. T: double, int, (u)int64.
  /// The sum's rounding depends on the rank count for doubles: use OrderedSum where bits matter.
  template <class T>
  void sum(std::span<T> values) const;
  template <class T>
  [[nodiscard]] T sum(T value) const;
  template <class T>
  [[nodiscard]] T max(T value) const;
  template <class T>
  [[nodiscard]] T min(T value) const;

  /// Sum over the ranks below this one; 0 on rank 0.
  [[nodiscard]] std::uint64_t exclusive_scan(std::uint64_t value) const;

  template <class T>
  void broadcast(std::span<T> values, int root = 0) const;
  [[nodiscard]] std::string broadcast(std::string text, int root = 0) const;

  /// One value of every rank, in rank order, on every rank.
  template <class T>
  [[nodiscard]] std::vector<T> all_gather(T value) const;

  /// values: [offset.back()], at most 2^31, of which rank r has made [offset[r], offset[r + 1]); all of them
  /// on every rank.
  void all_gather_parts(std::span<double> values, std::span<const std::size_t> offset) const;

  /// Sends values[offset[r] .. offset[r+1]) to rank r (offset has size() + 1 entries) and returns what came,
  /// in the order of the sending ranks. T is copied as bytes; a rank sends and gets at most 2^31 values.
  /// received_offset, if given, is filled with the like offsets of what came.
  template <class T>
  [[nodiscard]] std::vector<T> all_to_all(std::span<const T> values, std::span<const std::uint64_t> offset,
                                          std::vector<std::uint64_t>* received_offset = nullptr) const;

  /// This rank among those that share its node. Collective.
  [[nodiscard]] NodePlace place_on_node() const;
  [[nodiscard]] int ranks_on_node() const { return place_on_node().ranks; }

 private:
  [[nodiscard]] std::vector<std::byte> all_to_all_bytes(const void* values, std::size_t value_size,
                                                        std::span<const std::uint64_t> offset,
                                                        std::vector<std::uint64_t>* received_offset) const;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace tessera::mpi

#include "mpi/communicator.inl"
