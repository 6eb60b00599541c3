#include "statistics/neighbour_rows.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::statistics {
namespace {

/// The global rows that a rank wants, in the order of its extended map.
std::vector<std::uint64_t> wanted_rows(const BlockDistribution& layout, int rank, std::uint64_t reach,
                                       Border border) {
  std::vector<std::uint64_t> rows;
  if (layout.count(rank) == 0) return rows;
  const auto first = static_cast<std::int64_t>(layout.begin(rank)) - static_cast<std::int64_t>(reach);
  const auto end = static_cast<std::int64_t>(layout.end(rank)) + static_cast<std::int64_t>(reach);
  for (std::int64_t row = first; row < end; ++row) rows.push_back(inside_index(row, layout.rows(), border));
  return rows;
}

struct Parcel {
  std::vector<double> values;
  std::vector<std::uint64_t> offset;  // by receiving rank
};

/// What this rank owns of every other's wishes.
Parcel pack(const harmonic::PlaneBasis& basis, harmonic::ConstPixels map, const BlockDistribution& layout,
            std::uint64_t reach, Border border) {
  Parcel parcel{{}, {0}};
  for (int rank = 0; rank < basis.comm().size(); ++rank) {
    for (const std::uint64_t row : wanted_rows(layout, rank, reach, border)) {
      if (layout.owner(row) != basis.comm().rank()) continue;
      const auto values = map.subspan((row - basis.first_row()) * basis.nx(), basis.nx());
      parcel.values.insert(parcel.values.end(), values.begin(), values.end());
    }
    parcel.offset.push_back(parcel.values.size());
  }
  return parcel;
}

}  // namespace

std::uint64_t inside_index(std::int64_t index, std::uint64_t n, Border border) {
  const auto count = static_cast<std::int64_t>(n);
  const std::int64_t period = border == Border::periodic ? count : std::max<std::int64_t>(1, 2 * (count - 1));
  const std::int64_t folded = ((index % period) + period) % period;
  return static_cast<std::uint64_t>(folded < count ? folded : period - folded);
}

std::vector<double> with_neighbour_rows(const harmonic::PlaneBasis& basis, harmonic::ConstPixels map,
                                        std::uint64_t reach, Border border) {
  TESSERA_REQUIRE(map.size() == basis.pixel_count());
  const BlockDistribution layout(basis.ny(), basis.comm().size());
  const Parcel parcel = pack(basis, map, layout, reach, border);
  std::vector<std::uint64_t> offset;
  const auto received =
      basis.comm().all_to_all<double>(std::span<const double>(parcel.values), parcel.offset, &offset);

  // Every sender kept the order of the wishes: take the next row of the one that owns the row.
  std::vector<double> extended;
  extended.reserve(received.size());
  for (const std::uint64_t row : wanted_rows(layout, basis.comm().rank(), reach, border)) {
    auto& next = offset[static_cast<std::size_t>(layout.owner(row))];
    const auto begin = received.begin() + static_cast<std::ptrdiff_t>(next);
    extended.insert(extended.end(), begin, begin + static_cast<std::ptrdiff_t>(basis.nx()));
    next += basis.nx();
  }
  return extended;
}

}  // namespace tessera::statistics
