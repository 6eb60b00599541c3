#include "mpi/communicator.hpp"

#include <array>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "core/error.hpp"

namespace tessera::mpi {

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  fail("{} failed: {}; the MPI installation or a lost rank is the likely cause", call,
       std::string(text.data(), static_cast<std::size_t>(length)));
}

Environment::Environment(int& argc, char**& argv) {
#if defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION == 4
  // OMPIO takes a lock of the node's, named by the file's last name alone, for every file it opens: a run
  // that was killed while it held it has all later ones of that name hang. ROMIO, its other layer, takes
  // none.
  setenv("OMPI_MCA_io", "^ompio", 0);
#endif
  int provided = 0;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
}

Environment::~Environment() { MPI_Finalize(); }

Communicator::Communicator(MPI_Comm original) {
  check(MPI_Comm_dup(original, &comm_), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Communicator::~Communicator() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator Communicator::split(int colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split(comm_, colour, rank_, &part), "MPI_Comm_split");
  Communicator copy(part);
  MPI_Comm_free(&part);
  return copy;
}

void Communicator::barrier() const { check(MPI_Barrier(comm_), "MPI_Barrier"); }

std::uint64_t Communicator::exclusive_scan(std::uint64_t value) const {
  std::uint64_t below = 0;
  check(MPI_Exscan(&value, &below, 1, MPI_UINT64_T, MPI_SUM, comm_), "MPI_Exscan");
  return rank_ == 0 ? 0 : below;
}

std::string Communicator::broadcast(std::string text, int root) const {
  auto length = static_cast<std::uint64_t>(text.size());
  broadcast(std::span(&length, 1), root);
  text.resize(length);
  broadcast(std::span(text.data(), text.size()), root);
  return text;
}

void Communicator::all_gather_parts(std::span<double> values, std::span<const std::size_t> offset) const {
  const auto ranks = static_cast<std::size_t>(size_), here = static_cast<std::size_t>(rank_);
  TESSERA_REQUIRE(offset.size() == ranks + 1 && offset.back() == values.size());
  if (size_ == 1) return;
  TESSERA_REQUIRE(values.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  std::vector<int> count(ranks), start(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    start[r] = static_cast<int>(offset[r]);
    count[r] = static_cast<int>(offset[r + 1] - offset[r]);
  }
  check(MPI_Allgatherv(MPI_IN_PLACE, count[here], MPI_DOUBLE, values.data(), count.data(), start.data(),
                       MPI_DOUBLE, comm_),
        "MPI_Allgatherv");
}

std::vector<std::byte> Communicator::all_to_all_bytes(const void* values, std::size_t value_size,
                                                      std::span<const std::uint64_t> offset,
                                                      std::vector<std::uint64_t>* received_offset) const {
  const auto ranks = static_cast<std::size_t>(size_);
  TESSERA_REQUIRE(offset.size() == ranks + 1);
  std::vector<int> send_count(ranks), send_start(ranks), receive_count(ranks), receive_start(ranks);
  const std::uint64_t limit = std::numeric_limits<int>::max();  // values, not bytes: they travel as one type
  for (std::size_t r = 0; r < ranks; ++r) {
    TESSERA_REQUIRE(offset[r + 1] >= offset[r] && offset[r + 1] <= limit);
    send_count[r] = static_cast<int>((offset[r + 1] - offset[r]));
    send_start[r] = static_cast<int>(offset[r]);
  }
  check(MPI_Alltoall(send_count.data(), 1, MPI_INT, receive_count.data(), 1, MPI_INT, comm_), "MPI_Alltoall");
  std::exclusive_scan(receive_count.begin(), receive_count.end(), receive_start.begin(), 0);
  const auto total =
      static_cast<std::size_t>(receive_start.back()) + static_cast<std::size_t>(receive_count.back());
  MPI_Datatype element = MPI_DATATYPE_NULL;
  check(MPI_Type_contiguous(static_cast<int>(value_size), MPI_BYTE, &element), "MPI_Type_contiguous");
  check(MPI_Type_commit(&element), "MPI_Type_commit");
  std::vector<std::byte> received(total * value_size);
  const int status = MPI_Alltoallv(values, send_count.data(), send_start.data(), element, received.data(),
                                   receive_count.data(), receive_start.data(), element, comm_);
  MPI_Type_free(&element);
  check(status, "MPI_Alltoallv");
  if (received_offset != nullptr) {
    received_offset->assign(receive_start.begin(), receive_start.end());
    received_offset->push_back(total);
  }
  return received;
}

NodePlace Communicator::place_on_node() const {
  MPI_Comm node = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
  NodePlace place{0, 1};
  MPI_Comm_rank(node, &place.rank);
  MPI_Comm_size(node, &place.ranks);
  MPI_Comm_free(&node);
  return place;
}

}  // namespace tessera::mpi
