#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalogue/table.hpp"
#include "mpi/communicator.hpp"

namespace tessera::catalogue {

/// A quantity that is a column of the table or the same number for all galaxies.
struct ColumnOrNumber {
  std::string column;  // empty: `number` holds
  double number = 0.0;
};

/// What to read and how to turn it into shear estimates: e_true = (e - c) / (1 + m).
struct ShearColumns {
  /// Names that stand for each quantity: the first that the table has is taken.
  std::vector<std::string> ra{"ra"}, dec{"dec"}, e1{"e1", "g1"}, e2{"e2", "g2"}, weight{"w", "weight"};
  bool unit_weights = false;
  ColumnOrNumber m, c1, c2;
  bool flip_e1 = false, flip_e2 = false;
};

/// Why rows of the catalogue were not used; counts over all ranks.
struct RowCounts {
  std::uint64_t total = 0;
  std::uint64_t not_finite = 0;    // NaN, infinity or a null in a column that is needed
  std::uint64_t bad_position = 0;  // |ra| > 360 or |dec| > 90 degrees
  std::uint64_t zero_weight = 0;
  std::uint64_t negative_weight = 0;
  std::uint64_t off_grid = 0;
  [[nodiscard]] std::uint64_t used() const {
    return total - not_finite - bad_position - zero_weight - negative_weight - off_grid;
  }
};

/// Galaxies with shapes, this rank's share in the order of the file. Ellipticities are in the catalogue's
/// frame: x = West, y = North, e1 > 0 along East-West, e2 > 0 along x = y; additive bias is subtracted,
/// multiplicative is not.
struct ShearCatalogue {
  std::vector<double> ra, dec;  // degrees
  std::vector<double> e1, e2;
  std::vector<double> weight;
  std::vector<double> response;  // 1 + m
  RowCounts counts;              // off_grid still 0
};

/// Reads a shear catalogue, each rank its share; rows that cannot be used are counted and left out. Error on
/// all ranks for a missing file or column and if no row is usable. Collective.
[[nodiscard]] ShearCatalogue read_shear_catalogue(const mpi::Communicator& comm,
                                                  const TableLocation& location, const ShearColumns& columns);

}  // namespace tessera::catalogue
