#pragma once

#include <cstdint>
#include <vector>

namespace tessera {

/// The rings of the sphere dealt to ranks. A northern ring stays with its southern mirror, which have the
/// same Legendre functions; the pairs are dealt out cyclically to `blocks()` blocks of like cost, and a rank
/// owns a contiguous range of blocks. So the sphere's pixels have an order, block by block, ring by ring and
/// West to East, in which a rank's own are contiguous: their storage index. It does not depend on the number
/// of ranks up to the number of blocks, nor do sums that are made block by block.
class RingDistribution {
 public:
  /// nside: a power of two. least_blocks: 0 or a power of two, to have the order of a run on more ranks.
  RingDistribution(std::uint64_t nside, int ranks, std::uint64_t least_blocks = 0);

  [[nodiscard]] std::uint64_t nside() const { return nside_; }
  [[nodiscard]] int ranks() const { return ranks_; }

  /// A power of two up to 2 nside: 8 up to nside 1024, more with finer pixels and with more ranks than that.
  [[nodiscard]] std::uint64_t blocks() const { return block_begin_.size() - 1; }
  /// Blocks [first_block(r), first_block(r + 1)) are rank r's.
  [[nodiscard]] std::uint64_t first_block(int rank) const;
  [[nodiscard]] std::vector<std::uint64_t> first_blocks() const;  // [ranks + 1]

  /// Rings in storage order: `number` counts from 1 at the North pole; pixels [first, first + size) of the
  /// storage order, which begin at `ring_index` of HEALPix's RING scheme.
  struct Ring {
    std::uint64_t number, first, size, ring_index;
  };
  [[nodiscard]] const std::vector<Ring>& rings() const { return rings_; }
  /// Rings [block_begin(b), block_begin(b + 1)) are block b's, and so for a rank.
  [[nodiscard]] std::uint64_t block_begin(std::uint64_t block) const { return block_begin_[block]; }
  [[nodiscard]] std::uint64_t first_ring(int rank) const { return block_begin_[first_block(rank)]; }

  /// First pixel of each rank, and the number of pixels: [ranks + 1], storage order.
  [[nodiscard]] std::vector<std::uint64_t> first_pixels() const;
  [[nodiscard]] std::uint64_t first_pixel(int rank) const;

  /// Storage index of a pixel of the RING scheme, and the other way.
  [[nodiscard]] std::uint64_t storage_index(std::uint64_t ring_index) const;
  [[nodiscard]] std::uint64_t ring_index(std::uint64_t storage_index) const;

 private:
  [[nodiscard]] std::uint64_t ring_of(std::uint64_t ring_index) const;

  std::uint64_t nside_;
  int ranks_;
  std::vector<Ring> rings_;
  std::vector<std::uint64_t> block_begin_;
  std::vector<std::uint64_t> place_;  // of ring number - 1 in rings_
};

}  // namespace tessera
