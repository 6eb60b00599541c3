#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include <fftw3.h>

#include "mpi/communicator.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::harmonic {

/// Two-dimensional real Fourier transform over ranks. In position space a rank owns whole rows [rows][nx]; in
/// Fourier space, left transposed to save a global exchange, whole columns [kx][ny] of the half plane
/// kx = 0 ... nx/2, with ky in FFTW's order. Unnormalised in both directions.
///
/// The bits do not depend on the rank count: every row and column is transformed by one and the same
/// single-row plan on equally aligned memory (FFTW picks other codelets for other batches), made with
/// FFTW_ESTIMATE since a timed choice could differ from run to run; FFTW-MPI's transpose only moves data.
class SlabFft {
 public:
  /// comm must outlive this object.
  SlabFft(const mpi::Communicator& comm, std::uint64_t nx, std::uint64_t ny);

  [[nodiscard]] std::uint64_t nx() const { return nx_; }
  [[nodiscard]] std::uint64_t ny() const { return ny_; }
  [[nodiscard]] std::uint64_t columns() const { return nx_ / 2 + 1; }

  [[nodiscard]] std::uint64_t first_row() const { return row_layout_.begin(rank_); }
  [[nodiscard]] std::uint64_t local_rows() const { return row_layout_.count(rank_); }
  [[nodiscard]] std::uint64_t first_column() const { return column_layout_.begin(rank_); }
  [[nodiscard]] std::uint64_t local_columns() const { return column_layout_.count(rank_); }

  /// field: [local_rows][nx]; modes: [local_columns][ny], sum over the field times exp(-i k x). Collective.
  void forward(std::span<const double> field, std::span<std::complex<double>> modes) const;

  /// Sum over all modes times `scale` exp(+i k x). On column 0 (and the Nyquist column of an even nx) modes
  /// must be Hermitian in ky. Collective.
  void backward(std::span<const std::complex<double>> modes, std::span<double> field,
                double scale = 1.0) const;

 private:
  struct PlanDeleter {
    void operator()(fftw_plan plan) const { fftw_destroy_plan(plan); }
  };
  struct BufferDeleter {
    void operator()(void* buffer) const { fftw_free(buffer); }
  };
  using Plan = std::unique_ptr<std::remove_pointer_t<fftw_plan>, PlanDeleter>;
  template <class T>
  using Buffer = std::unique_ptr<T[], BufferDeleter>;  // NOLINT(*-avoid-c-arrays)

  void make_transposes(const mpi::Communicator& comm);
  void make_row_plans();

  std::uint64_t nx_;
  std::uint64_t ny_;
  int rank_;
  BlockDistribution row_layout_;
  BlockDistribution column_layout_;
  Buffer<std::complex<double>> rows_;     // [local_rows][columns]
  Buffer<std::complex<double>> columns_;  // [local_columns][ny]
  Buffer<double> row_;                    // [nx], aligned
  Plan row_forward_, row_backward_, column_forward_, column_backward_;
  Plan to_columns_, to_rows_;
};

}  // namespace tessera::harmonic
