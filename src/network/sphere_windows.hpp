#pragma once

#include <span>
#include <torch/torch.h>
#include <vector>

#include "harmonic/sphere_basis.hpp"
#include "sky/sphere_tiles.hpp"

namespace tessera::network {

/// Windows of a sphere that one rank has whole, as tensors, for training.
class SphereWindows {
 public:
  /// basis: of one rank; side: of a tile, a power of two up to nside; halo: pixels around it. basis must
  /// outlive this.
  SphereWindows(const harmonic::SphereBasis& basis, std::uint64_t side, std::uint64_t halo);

  [[nodiscard]] std::uint64_t count() const { return tiles_.count(); }
  [[nodiscard]] std::int64_t side() const { return static_cast<std::int64_t>(tiles_.side()); }
  [[nodiscard]] std::int64_t halo() const { return static_cast<std::int64_t>(tiles_.halo()); }

  /// Maps [map][pixel] on a tile's window, [1][maps][side + 2 halo][the same], followed by the distortion of
  /// its pixels if `distortion`.
  [[nodiscard]] torch::Tensor window(std::span<const double> maps, std::uint64_t tile, bool distortion) const;
  /// The same on the tile alone, [1][maps][side][side].
  [[nodiscard]] torch::Tensor core(std::span<const double> maps, std::uint64_t tile) const;
  /// Puts a tile's values, [side][side], on the map.
  void put(std::span<const double> values, std::uint64_t tile, std::span<double> map) const;

 private:
  [[nodiscard]] std::size_t place(std::uint64_t tile, std::uint64_t x, std::uint64_t y) const;

  const harmonic::SphereBasis* basis_;
  SphereTiles tiles_;
};

}  // namespace tessera::network
