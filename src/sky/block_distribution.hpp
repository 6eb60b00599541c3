#pragma once

#include <algorithm>
#include <cstdint>

namespace tessera {

/// Rows dealt to ranks in contiguous blocks of ceil(rows / ranks), as FFTW-MPI does by default: the last
/// ranks may hold fewer rows or none.
class BlockDistribution {
 public:
  BlockDistribution(std::uint64_t rows, int ranks)
      : rows_(rows),
        block_((rows + static_cast<std::uint64_t>(ranks) - 1) / static_cast<std::uint64_t>(ranks)) {}

  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] std::uint64_t block() const { return block_; }
  [[nodiscard]] std::uint64_t begin(int rank) const {
    return std::min(rows_, block_ * static_cast<std::uint64_t>(rank));
  }
  [[nodiscard]] std::uint64_t end(int rank) const { return begin(rank + 1); }
  [[nodiscard]] std::uint64_t count(int rank) const { return end(rank) - begin(rank); }
  [[nodiscard]] int owner(std::uint64_t row) const { return static_cast<int>(row / block_); }

 private:
  std::uint64_t rows_;
  std::uint64_t block_;
};

}  // namespace tessera
