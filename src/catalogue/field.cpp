#include "catalogue/field.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/error.hpp"

namespace tessera::catalogue {
namespace {

/// Doubles as integers of the same order.
std::uint64_t sortable(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr std::uint64_t sign = 1ULL << 63U;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

double from_sortable(std::uint64_t key) {
  constexpr std::uint64_t sign = 1ULL << 63U;
  return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

/// The k-th smallest value over all ranks (k from 0), by bisection on the bits: exact, and nothing is
/// gathered.
double kth_smallest(const mpi::Communicator& comm, const std::vector<double>& values, std::uint64_t k) {
  std::uint64_t low = 0;
  std::uint64_t high = ~0ULL;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto below = static_cast<std::uint64_t>(
        std::count_if(values.begin(), values.end(), [&](double v) { return sortable(v) <= middle; }));
    if (comm.sum(below) > k)
      high = middle;
    else
      low = middle + 1;
  }
  return from_sortable(low);
}

/// Right ascension of the first galaxy of the catalogue.
double first_ra(const mpi::Communicator& comm, const ShearCatalogue& catalogue) {
  const int owner = comm.min(catalogue.ra.empty() ? comm.size() : comm.rank());
  double ra = catalogue.ra.empty() ? 0.0 : catalogue.ra.front();
  comm.broadcast(std::span(&ra, 1), owner);
  return ra;
}

}  // namespace

SkyPosition median_position(const mpi::Communicator& comm, const ShearCatalogue& catalogue) {
  const auto count = comm.sum(static_cast<std::uint64_t>(catalogue.ra.size()));
  TESSERA_REQUIRE(count > 0);
  const double reference = first_ra(comm, catalogue);
  std::vector<double> offsets(catalogue.ra.size());
  std::transform(catalogue.ra.begin(), catalogue.ra.end(), offsets.begin(),
                 [&](double ra) { return std::remainder(ra - reference, 360.0); });
  const double ra = reference + kth_smallest(comm, offsets, (count - 1) / 2);
  return {ra - 360.0 * std::floor(ra / 360.0), kth_smallest(comm, catalogue.dec, (count - 1) / 2)};
}

PlaneGrid covering_grid(const mpi::Communicator& comm, const ShearCatalogue& catalogue, SkyPosition centre,
                        double pixel_arcmin) {
  const PlaneGrid one_pixel(centre, 1, 1, pixel_arcmin);
  const double limit = std::tan(80.0 * radians_per_degree) / one_pixel.pixel_radians();
  double half_width = 0.0;
  double half_height = 0.0;
  for (std::size_t i = 0; i < catalogue.ra.size(); ++i) {
    const auto position = one_pixel.project({catalogue.ra[i], catalogue.dec[i]});
    half_width = std::max(half_width, position ? std::abs(position->x) : INFINITY);
    half_height = std::max(half_height, position ? std::abs(position->y) : INFINITY);
  }
  half_width = comm.max(half_width);
  half_height = comm.max(half_height);
  if (!(half_width < limit && half_height < limit))
    fail("the galaxies spread over more than a plane can hold; choose a field with --center and --npix");
  // One pixel to spare: a galaxy on the very edge belongs to the next pixel.
  const auto pixels = [](double half) { return static_cast<std::uint64_t>(std::floor(2.0 * half)) + 2; };
  return {centre, pixels(half_width), pixels(half_height), pixel_arcmin};
}

}  // namespace tessera::catalogue
