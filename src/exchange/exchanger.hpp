#pragma once

#include <span>
#include <vector>

#include "exchange/exchange_plan.hpp"
#include "mpi/communicator.hpp"

namespace tessera::exchange {

/// Moves values as a plan says, with persistent buffers: start, work meanwhile, finish. Several components
/// (maps on the same pixels) travel in one message per pair of ranks. One exchange at a time.
class Exchanger {
 public:
  /// comm must outlive the exchanger and have the plan's ranks. components: at least 1.
  Exchanger(const mpi::Communicator& comm, ExchangePlan plan, std::size_t components);
  ~Exchanger();
  Exchanger(const Exchanger&) = delete;
  Exchanger& operator=(const Exchanger&) = delete;
  Exchanger(Exchanger&&) = delete;
  Exchanger& operator=(Exchanger&&) = delete;

  [[nodiscard]] const ExchangePlan& plan() const { return plan_; }

  /// owned: [component][plan().owned()], copied before start returns. Collective.
  void start(std::span<const double> owned);
  /// wanted: [component][plan().wanted()], every value that the plan names is filled. Collective.
  void finish(std::span<double> wanted);

  /// The transpose: adds each value of `wanted` to the owner's value that it is a copy of; owned is
  /// overwritten. The bits do not depend on the rank count if the ranks' segments, in rank order, are the
  /// same list for any number of ranks. Collective.
  void adjoint(std::span<const double> wanted, std::span<double> owned);

 private:
  enum class Direction { forward, adjoint };
  void post(Direction direction);
  void wait();
  using Runs = std::vector<std::vector<ExchangePlan::Run>>;
  void pack(const Runs& runs, std::span<const double> values, std::uint64_t length,
            std::vector<double>& buffer) const;
  [[nodiscard]] std::vector<std::size_t> offsets(const Runs& runs) const;

  const mpi::Communicator* comm_;
  ExchangePlan plan_;
  std::size_t components_;
  std::vector<std::size_t> send_offset_, receive_offset_;  // [ranks + 1]
  std::vector<double> send_, receive_;
  std::vector<MPI_Request> requests_;
  bool started_ = false;
};

}  // namespace tessera::exchange
