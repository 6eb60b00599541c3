#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sky/healpix_grid.hpp"
#include "sky/plane_grid.hpp"
#include "sky/ring_distribution.hpp"

namespace tessera {

/// The pixels that galaxies fall into, plane or sphere, in the order in which a HarmonicBasis stores them:
/// row by row, where whole rows (of the box, or rings) belong to a rank and the ranks' rows follow each
/// other.
class SkyPixels {
 public:
  SkyPixels() = default;
  SkyPixels(const SkyPixels&) = default;
  SkyPixels& operator=(const SkyPixels&) = default;
  SkyPixels(SkyPixels&&) = default;
  SkyPixels& operator=(SkyPixels&&) = default;
  virtual ~SkyPixels() = default;

  /// Rows over all ranks, the first pixel of each (and the number of pixels for row = rows()), and the first
  /// row of a rank (rows() for rank = ranks).
  [[nodiscard]] virtual std::uint64_t rows() const = 0;
  [[nodiscard]] virtual std::uint64_t row_begin(std::uint64_t row) const = 0;
  [[nodiscard]] virtual std::uint64_t first_row(int rank) const = 0;
  [[nodiscard]] std::uint64_t first_pixel(int rank) const { return row_begin(first_row(rank)); }
  /// First pixel of each of the ranks, and the number of pixels, [ranks + 1].
  [[nodiscard]] std::vector<std::uint64_t> first_pixels(int ranks) const;

  /// Pixel of a direction, and the angle by which its local frame (x West, y North) is turned, counter-
  /// clockwise as seen on the map, when it is carried to the frame of the pixel's shear: e becomes
  /// e exp(2i rotation). Nothing if the pixels do not cover the direction.
  struct Place {
    std::uint64_t pixel;
    double rotation;
  };
  [[nodiscard]] virtual std::optional<Place> place(SkyPosition sky) const = 0;

  /// What they are and what to do about galaxies that none of them holds, for messages.
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual std::string advice() const = 0;
};

/// A field of the plane in the corner of its periodic box; shear in the frame of the field's centre.
class PlanePixels final : public SkyPixels {
 public:
  /// box: at least as large as the field.
  PlanePixels(PlaneGrid field, PaddedBox box, int ranks);

  [[nodiscard]] std::uint64_t rows() const override { return box_.ny; }
  [[nodiscard]] std::uint64_t row_begin(std::uint64_t row) const override { return row * box_.nx; }
  [[nodiscard]] std::uint64_t first_row(int rank) const override;
  [[nodiscard]] std::optional<Place> place(SkyPosition sky) const override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string advice() const override;

 private:
  PlaneGrid field_;
  PaddedBox box_;
  int ranks_;
};

/// All pixels of the sphere, in the storage order of RingDistribution; shear in the frame of each pixel's
/// centre.
class SpherePixels final : public SkyPixels {
 public:
  SpherePixels(HealpixGrid grid, RingDistribution rings) : grid_(std::move(grid)), rings_(std::move(rings)) {}

  [[nodiscard]] std::uint64_t rows() const override { return rings_.rings().size(); }
  [[nodiscard]] std::uint64_t row_begin(std::uint64_t row) const override;
  [[nodiscard]] std::uint64_t first_row(int rank) const override { return rings_.first_ring(rank); }
  [[nodiscard]] std::optional<Place> place(SkyPosition sky) const override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string advice() const override;

 private:
  HealpixGrid grid_;
  RingDistribution rings_;
};

}  // namespace tessera
