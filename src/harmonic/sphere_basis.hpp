#pragma once

#include <memory>
#include <vector>

#include "harmonic/harmonic_basis.hpp"
#include "mpi/ordered_sum.hpp"
#include "mpi/tree_sum.hpp"
#include "sky/healpix_grid.hpp"
#include "sky/ring_distribution.hpp"

namespace tessera::harmonic {

/// The sphere: HEALPix pixels, spherical harmonics up to lmax by libsharp.
///
/// Modes: a_lm for m = 0 ... lmax, l = m ... lmax, index m (2 lmax + 1 - m) / 2 + l over all ranks, of which
/// a rank has the columns first_m(rank) <= m < first_m(rank + 1). Pixels: whole rings of this rank, in the
/// storage order of RingDistribution. Synthesis brings every rank all modes; the adjoint adds the ranks'
/// parts along a fixed tree, every rank its own modes. Both work on one block of rings after the other, which
/// makes the bits independent of the ranks up to RingDistribution::blocks() of them (and with more ranks the
/// same for the same number of ranks).
///
/// Shear is in the frame of catalogues, x to the West and y to the North at every pixel. HEALPix's frame
/// (theta to the South, phi to the East) has the other sign of the first component; this is the one place
/// that knows. gamma_lm = sqrt((l - 1) (l + 2) / (l (l + 1))) kappa_lm (Castro et al. 2005); l = 0 and 1 have
/// no shear.
///
/// The maps of l <= lmax are not all maps: synthesis(synthesis_adjoint(f)) times pixel_area() is f without
/// its finer structure, to the accuracy of HEALPix's quadrature (about 1e-3 for lmax = 2 nside).
///
/// Memory of a rank, bytes, with A = (lmax + 1)(lmax + 2) / 2: a vector of modes 16 A / ranks, and so the
/// tables; 32 A for the modes of all ranks; 16 A, with B modes 32 A, for each of the vectors of a tree over
/// its blocks of rings (mpi::TreeSum::most_kept; log2 of their number + 1 on 1, 2, 4, 8 ... ranks); a map
/// takes 8 * 12 nside^2 / ranks.
class SphereBasis final : public HarmonicBasis {
 public:
  /// comm must outlive the basis. lmax: 2 to 4 nside, and up to 46339 on several ranks, Error otherwise.
  /// least_blocks: see RingDistribution.
  SphereBasis(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
              std::uint64_t least_blocks = 0);
  /// With the columns of m dealt otherwise, first_m: [ranks + 1], increasing, up to lmax + 1.
  SphereBasis(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
              std::uint64_t least_blocks, std::vector<std::uint64_t> first_m);
  ~SphereBasis() override;
  SphereBasis(const SphereBasis&) = delete;
  SphereBasis& operator=(const SphereBasis&) = delete;
  SphereBasis(SphereBasis&&) = delete;
  SphereBasis& operator=(SphereBasis&&) = delete;

  [[nodiscard]] const mpi::Communicator& comm() const override { return *comm_; }
  [[nodiscard]] const HealpixGrid& grid() const { return grid_; }
  [[nodiscard]] const RingDistribution& rings() const { return rings_; }
  [[nodiscard]] std::uint64_t lmax() const { return lmax_; }
  /// Columns [first_m(r), first_m(r + 1)) of the modes are rank r's, which may be none.
  [[nodiscard]] std::uint64_t first_m(int rank) const { return first_m_[static_cast<std::size_t>(rank)]; }

  [[nodiscard]] std::size_t mode_count() const override { return ell_.size(); }
  [[nodiscard]] std::size_t pixel_count() const override { return pixel_count_; }
  [[nodiscard]] double shear_factor(double ell) const override;
  [[nodiscard]] bool complete() const override { return false; }
  [[nodiscard]] std::uint64_t first_pixel() const override { return rings_.first_pixel(comm_->rank()); }
  [[nodiscard]] std::uint64_t total_pixels() const override { return grid_.pixels(); }
  [[nodiscard]] std::span<const double> ell() const override { return ell_; }
  [[nodiscard]] std::span<const double> pixel_window() const override { return window_; }
  [[nodiscard]] double pixel_area() const override { return grid_.pixel_area(); }

  [[nodiscard]] std::unique_ptr<HarmonicBasis> truncated(double ell) const override;
  void synthesis(ConstModes modes, Pixels field) const override;
  void synthesis_adjoint(ConstPixels field, Modes modes) const override;
  void shear_synthesis(ConstModes e_modes, ConstModes b_modes, Pixels gamma1, Pixels gamma2) const override;
  void shear_synthesis_adjoint(ConstPixels gamma1, ConstPixels gamma2, Modes e_modes,
                               Modes b_modes) const override;
  [[nodiscard]] double dot(ConstModes a, ConstModes b) const override;
  [[nodiscard]] double dot(ConstPixels f, ConstPixels g) const override;
  /// By l(l + 1) / 2 + m, so that bases of any lmax draw the same large scales.
  void white_noise(const RandomStream& stream, Modes modes) const override;
  /// By the index of the RING scheme.
  void white_noise(const RandomStream& stream, Pixels field) const override;
  [[nodiscard]] std::vector<double> transformed_correlation(
      std::span<const double> power, const std::function<double(double)>& f) const override;

 private:
  struct Transforms;
  void tabulate_modes();
  /// Index of the first mode of column m, over all ranks.
  [[nodiscard]] std::size_t first_mode(std::uint64_t m) const { return m * (2 * lmax_ + 3 - m) / 2; }
  [[nodiscard]] std::vector<std::size_t> entries_of_ranks() const;
  [[nodiscard]] std::uint64_t own_first_m() const { return first_m(comm_->rank()); }
  [[nodiscard]] std::uint64_t own_end_m() const { return first_m(comm_->rank() + 1); }
  [[nodiscard]] std::size_t all_modes() const { return first_mode(lmax_ + 1); }
  /// Whether the ranks give these modes: a rank that has none cannot tell.
  [[nodiscard]] bool given(ConstModes modes) const;
  /// This rank's place in one of the vectors of whole_, which exists then; the vector from all ranks' places.
  [[nodiscard]] Complex* own_place(std::size_t vector) const;
  void gather(std::size_t vector) const;

  const mpi::Communicator* comm_;
  HealpixGrid grid_;
  RingDistribution rings_;
  std::uint64_t lmax_;
  std::size_t pixel_count_;
  std::vector<std::uint64_t> first_m_;  // [ranks + 1]
  std::vector<std::size_t> entries_;    // [ranks + 1]: reals of the modes of the ranks below
  bool some_have_no_modes_;
  std::unique_ptr<Transforms> transforms_;
  mpi::OrderedSum ring_sum_, column_sum_;
  mpi::TreeSum block_sum_;
  std::vector<double> ell_, window_;
  std::vector<double> shear_of_kappa_;  // [lmax + 1]
  mutable std::vector<Complex> whole_;  // modes of all ranks, of E and, for shear, of B
  mutable std::vector<double> minus_gamma1_;
};

}  // namespace tessera::harmonic
