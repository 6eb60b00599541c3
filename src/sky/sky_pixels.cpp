#include "sky/sky_pixels.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "sky/block_distribution.hpp"

namespace tessera {

std::vector<std::uint64_t> SkyPixels::first_pixels(int ranks) const {
  std::vector<std::uint64_t> first;
  for (int rank = 0; rank <= ranks; ++rank) first.push_back(first_pixel(rank));
  return first;
}

PlanePixels::PlanePixels(PlaneGrid field, PaddedBox box, int ranks)
    : field_(field), box_(box), ranks_(ranks) {
  TESSERA_REQUIRE(box.nx >= field.nx() && box.ny >= field.ny());
}

std::uint64_t PlanePixels::first_row(int rank) const {
  return BlockDistribution(box_.ny, ranks_).begin(rank);
}

std::optional<SkyPixels::Place> PlanePixels::place(SkyPosition sky) const {
  const auto pixel = field_.pixel_of(sky);
  if (!pixel) return std::nullopt;
  return Place{*pixel / field_.nx() * box_.nx + *pixel % field_.nx(), frame_rotation(sky, field_.centre())};
}

std::string PlanePixels::description() const {
  return fmt::format("field of {} x {} pixels of {} arcmin about RA {:.4f}, Dec {:.4f} degrees", field_.nx(),
                     field_.ny(), field_.pixel_arcmin(), field_.centre().ra, field_.centre().dec);
}

std::string PlanePixels::advice() const {
  return "check --center, --npix and --pixel-arcmin, or leave out --center and --npix";
}

std::uint64_t SpherePixels::row_begin(std::uint64_t row) const {
  return row < rings_.rings().size() ? rings_.rings()[row].first : grid_.pixels();
}

std::optional<SkyPixels::Place> SpherePixels::place(SkyPosition sky) const {
  const std::uint64_t pixel = grid_.pixel_of(sky);
  return Place{rings_.storage_index(grid_.ring_index(pixel)), frame_rotation(sky, grid_.centre(pixel))};
}

std::string SpherePixels::description() const {
  return fmt::format("sphere of nside {} (pixels of {:.4g} arcmin)", grid_.nside(), grid_.pixel_arcmin());
}

std::string SpherePixels::advice() const { return "check the catalogue's positions"; }

}  // namespace tessera
