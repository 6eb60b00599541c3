#include "exchange/exchanger.hpp"

#include <algorithm>
#include <limits>

#include "core/error.hpp"

namespace tessera::exchange {
namespace {

constexpr int tag = 1;

}  // namespace

Exchanger::Exchanger(const mpi::Communicator& comm, ExchangePlan plan, std::size_t components)
    : comm_(&comm),
      plan_(std::move(plan)),
      components_(components),
      send_offset_(offsets(plan_.send())),
      receive_offset_(offsets(plan_.receive())),
      send_(send_offset_.back()),
      receive_(receive_offset_.back()) {
  TESSERA_REQUIRE(components > 0 && plan_.ranks() == comm.size() && plan_.rank() == comm.rank());
}

Exchanger::~Exchanger() {
  // An exchange that an exception left open still owns its buffers.
  if (!requests_.empty())
    MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
}

std::vector<std::size_t> Exchanger::offsets(const Runs& runs) const {
  std::vector<std::size_t> offset{0};
  for (const auto& part : runs) {
    std::size_t length = 0;
    for (const ExchangePlan::Run& run : part) length += run.length;
    TESSERA_REQUIRE(components_ * length <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    offset.push_back(offset.back() + components_ * length);
  }
  return offset;
}

void Exchanger::pack(const Runs& runs, std::span<const double> values, std::uint64_t length,
                     std::vector<double>& buffer) const {
  auto out = buffer.begin();
  for (const auto& part : runs)
    for (std::size_t component = 0; component < components_; ++component)
      for (const ExchangePlan::Run& run : part)
        out = std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(component * length + run.offset),
                          run.length, out);
}

void Exchanger::post(Direction direction) {
  const bool forward = direction == Direction::forward;
  std::vector<double>& incoming = forward ? receive_ : send_;
  const std::vector<double>& outgoing = forward ? send_ : receive_;
  const auto& incoming_offset = forward ? receive_offset_ : send_offset_;
  const auto& outgoing_offset = forward ? send_offset_ : receive_offset_;
  for (int other = 0; other < comm_->size(); ++other) {
    const auto r = static_cast<std::size_t>(other);
    const std::size_t in = incoming_offset[r + 1] - incoming_offset[r];
    const std::size_t out = outgoing_offset[r + 1] - outgoing_offset[r];
    if (in > 0) {
      requests_.emplace_back();
      mpi::check(MPI_Irecv(incoming.data() + incoming_offset[r], static_cast<int>(in), MPI_DOUBLE, other, tag,
                           comm_->get(), &requests_.back()),
                 "MPI_Irecv");
    }
    if (out > 0) {
      requests_.emplace_back();
      mpi::check(MPI_Isend(outgoing.data() + outgoing_offset[r], static_cast<int>(out), MPI_DOUBLE, other,
                           tag, comm_->get(), &requests_.back()),
                 "MPI_Isend");
    }
  }
}

void Exchanger::wait() {
  const int status = MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
  requests_.clear();
  started_ = false;
  mpi::check(status, "MPI_Waitall");
}

void Exchanger::start(std::span<const double> owned) {
  TESSERA_REQUIRE(!started_ && owned.size() == components_ * plan_.owned());
  pack(plan_.send(), owned, plan_.owned(), send_);
  started_ = true;
  post(Direction::forward);
}

void Exchanger::finish(std::span<double> wanted) {
  TESSERA_REQUIRE(started_ && wanted.size() == components_ * plan_.wanted());
  wait();
  auto from = receive_.begin();
  for (const auto& part : plan_.receive())
    for (std::size_t component = 0; component < components_; ++component)
      for (const ExchangePlan::Run& run : part) {
        std::copy_n(from, run.length,
                    wanted.begin() + static_cast<std::ptrdiff_t>(component * plan_.wanted() + run.offset));
        from += static_cast<std::ptrdiff_t>(run.length);
      }
}

void Exchanger::adjoint(std::span<const double> wanted, std::span<double> owned) {
  TESSERA_REQUIRE(!started_ && owned.size() == components_ * plan_.owned() &&
                  wanted.size() == components_ * plan_.wanted());
  pack(plan_.receive(), wanted, plan_.wanted(), receive_);
  started_ = true;
  post(Direction::adjoint);
  wait();
  std::fill(owned.begin(), owned.end(), 0.0);
  auto from = send_.begin();
  for (const auto& part : plan_.send())
    for (std::size_t component = 0; component < components_; ++component)
      for (const ExchangePlan::Run& run : part)
        for (std::uint64_t i = 0; i < run.length; ++i)
          owned[component * plan_.owned() + run.offset + i] += *from++;
}

}  // namespace tessera::exchange
