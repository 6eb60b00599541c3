#include "harmonic/slab_fft.hpp"

#include <algorithm>
#include <new>

#include <fftw3-mpi.h>

#include "core/error.hpp"
#include "mpi/agreement.hpp"

namespace tessera::harmonic {
namespace {

using Complex = std::complex<double>;

fftw_complex* fftw(Complex* p) { return reinterpret_cast<fftw_complex*>(p); }
double* reals(Complex* p) { return reinterpret_cast<double*>(p); }

Complex* allocate_complex(std::size_t count) {
  auto* memory = reinterpret_cast<Complex*>(fftw_alloc_complex(std::max<std::size_t>(count, 1)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

SlabFft::SlabFft(const mpi::Communicator& comm, std::uint64_t nx, std::uint64_t ny)
    : nx_(nx),
      ny_(ny),
      rank_(comm.rank()),
      row_layout_(ny, comm.size()),
      column_layout_(nx / 2 + 1, comm.size()) {
  fftw_mpi_init();
  make_transposes(comm);
  make_row_plans();
}

void SlabFft::make_transposes(const mpi::Communicator& comm) {
  const std::array<std::ptrdiff_t, 2> size{static_cast<std::ptrdiff_t>(ny_),
                                           static_cast<std::ptrdiff_t>(columns())};
  const auto row_block = static_cast<std::ptrdiff_t>(row_layout_.block());
  const auto column_block = static_cast<std::ptrdiff_t>(column_layout_.block());
  constexpr std::ptrdiff_t reals_per_value = 2;
  std::ptrdiff_t rows = 0, first_row = 0, columns_here = 0, first_column_here = 0;
  const std::ptrdiff_t needed =
      fftw_mpi_local_size_many_transposed(2, size.data(), reals_per_value, row_block, column_block,
                                          comm.get(), &rows, &first_row, &columns_here, &first_column_here);
  TESSERA_REQUIRE(static_cast<std::uint64_t>(rows) == local_rows());
  TESSERA_REQUIRE(static_cast<std::uint64_t>(columns_here) == local_columns());

  const auto count = static_cast<std::size_t>(needed + 1) / reals_per_value;
  mpi::collectively(comm, [&] {
    rows_.reset(allocate_complex(count));
    columns_.reset(allocate_complex(count));
  });
  to_columns_.reset(fftw_mpi_plan_many_transpose(size[0], size[1], reals_per_value, row_block, column_block,
                                                 reals(rows_.get()), reals(columns_.get()), comm.get(),
                                                 FFTW_ESTIMATE));
  to_rows_.reset(fftw_mpi_plan_many_transpose(size[1], size[0], reals_per_value, column_block, row_block,
                                              reals(columns_.get()), reals(rows_.get()), comm.get(),
                                              FFTW_ESTIMATE));
  TESSERA_REQUIRE(to_columns_ != nullptr && to_rows_ != nullptr);
}

void SlabFft::make_row_plans() {
  row_.reset(fftw_alloc_real(nx_));
  // A rank without rows still plans, on a row of its own: plans are the same everywhere.
  const Buffer<Complex> spectrum(allocate_complex(std::max(columns(), ny_)));
  const int nx = static_cast<int>(nx_);
  const int ny = static_cast<int>(ny_);
  row_forward_.reset(fftw_plan_dft_r2c_1d(nx, row_.get(), fftw(spectrum.get()), FFTW_ESTIMATE));
  row_backward_.reset(fftw_plan_dft_c2r_1d(nx, fftw(spectrum.get()), row_.get(), FFTW_ESTIMATE));
  column_forward_.reset(
      fftw_plan_dft_1d(ny, fftw(spectrum.get()), fftw(spectrum.get()), FFTW_FORWARD, FFTW_ESTIMATE));
  column_backward_.reset(
      fftw_plan_dft_1d(ny, fftw(spectrum.get()), fftw(spectrum.get()), FFTW_BACKWARD, FFTW_ESTIMATE));
  TESSERA_REQUIRE(row_forward_ && row_backward_ && column_forward_ && column_backward_);
}

void SlabFft::forward(std::span<const double> field, std::span<Complex> modes) const {
  TESSERA_REQUIRE(field.size() == local_rows() * nx_ && modes.size() == local_columns() * ny_);
  for (std::uint64_t row = 0; row < local_rows(); ++row) {
    const auto values = field.subspan(row * nx_, nx_);
    std::copy(values.begin(), values.end(), row_.get());
    fftw_execute_dft_r2c(row_forward_.get(), row_.get(), fftw(rows_.get() + row * columns()));
  }
  fftw_execute(to_columns_.get());
  for (std::uint64_t column = 0; column < local_columns(); ++column) {
    fftw_complex* const values = fftw(columns_.get() + column * ny_);
    fftw_execute_dft(column_forward_.get(), values, values);
  }
  std::copy_n(columns_.get(), modes.size(), modes.begin());
}

void SlabFft::backward(std::span<const Complex> modes, std::span<double> field, double scale) const {
  TESSERA_REQUIRE(field.size() == local_rows() * nx_ && modes.size() == local_columns() * ny_);
  std::transform(modes.begin(), modes.end(), columns_.get(), [scale](Complex mode) { return scale * mode; });
  for (std::uint64_t column = 0; column < local_columns(); ++column) {
    fftw_complex* const values = fftw(columns_.get() + column * ny_);
    fftw_execute_dft(column_backward_.get(), values, values);
  }
  fftw_execute(to_rows_.get());
  for (std::uint64_t row = 0; row < local_rows(); ++row) {
    fftw_execute_dft_c2r(row_backward_.get(), fftw(rows_.get() + row * columns()), row_.get());
    std::copy_n(row_.get(), nx_, field.begin() + static_cast<std::ptrdiff_t>(row * nx_));
  }
}

}  // namespace tessera::harmonic
