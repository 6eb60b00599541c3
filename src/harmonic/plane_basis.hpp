#pragma once

#include <vector>

#include "harmonic/harmonic_basis.hpp"
#include "harmonic/slab_fft.hpp"
#include "mpi/ordered_sum.hpp"
#include "sky/plane_grid.hpp"

namespace tessera::harmonic {

/// The periodic plane: a box of square pixels, functions exp(i k theta) / sqrt(box area). Pixels: rows of
/// this rank, [local_rows][nx]. Modes: columns of this rank, [local_columns][ny].
class PlaneBasis final : public HarmonicBasis {
 public:
  /// pixel: side of a pixel in radians. comm must outlive the basis. Collective.
  PlaneBasis(const mpi::Communicator& comm, PaddedBox box, double pixel);

  [[nodiscard]] const mpi::Communicator& comm() const override { return *comm_; }
  [[nodiscard]] std::uint64_t nx() const { return fft_.nx(); }
  [[nodiscard]] std::uint64_t ny() const { return fft_.ny(); }
  [[nodiscard]] std::uint64_t first_row() const { return fft_.first_row(); }
  [[nodiscard]] std::uint64_t local_rows() const { return fft_.local_rows(); }

  [[nodiscard]] std::size_t mode_count() const override { return ell_.size(); }
  [[nodiscard]] std::size_t pixel_count() const override { return local_rows() * nx(); }
  [[nodiscard]] std::uint64_t first_pixel() const override { return first_row() * nx(); }
  [[nodiscard]] std::uint64_t total_pixels() const override { return nx() * ny(); }
  [[nodiscard]] std::span<const double> ell() const override { return ell_; }
  [[nodiscard]] std::span<const double> pixel_window() const override { return window_; }
  [[nodiscard]] double pixel_area() const override { return pixel_ * pixel_; }

  [[nodiscard]] std::unique_ptr<HarmonicBasis> truncated(double /*ell*/) const override { return nullptr; }
  void synthesis(ConstModes modes, Pixels field) const override;
  void synthesis_adjoint(ConstPixels field, Modes modes) const override;
  void shear_synthesis(ConstModes e_modes, ConstModes b_modes, Pixels gamma1, Pixels gamma2) const override;
  void shear_synthesis_adjoint(ConstPixels gamma1, ConstPixels gamma2, Modes e_modes,
                               Modes b_modes) const override;
  [[nodiscard]] double dot(ConstModes a, ConstModes b) const override;
  [[nodiscard]] double dot(ConstPixels f, ConstPixels g) const override;
  void white_noise(const RandomStream& stream, Modes modes) const override;
  void white_noise(const RandomStream& stream, Pixels field) const override;
  [[nodiscard]] double shear_factor(double ell) const override { return ell > 0.0 ? 1.0 : 0.0; }
  [[nodiscard]] bool complete() const override { return true; }
  [[nodiscard]] std::vector<double> transformed_correlation(
      std::span<const double> power, const std::function<double(double)>& f) const override;

  [[nodiscard]] static EllRange ell_range(PaddedBox box, double pixel);

 private:
  void tabulate_modes();
  /// Tables and buffers that only shear needs, made at its first use: large convergence maps do without.
  void prepare_shear() const;

  const mpi::Communicator* comm_;
  SlabFft fft_;
  double pixel_;
  double norm_;  // 1 / sqrt(box area)
  mpi::OrderedSum column_sum_;
  mpi::OrderedSum row_sum_;
  std::vector<double> ell_, window_;
  mutable std::vector<double> cos2phi_, sin2phi_;
  mutable std::vector<Complex> first_, second_;
};

}  // namespace tessera::harmonic
