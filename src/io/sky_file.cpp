#include "io/sky_file.hpp"

#include "core/error.hpp"

namespace tessera::io {

SkyFile::SkyFile(const std::string& path, std::uint64_t number) : number_(number) {
  if (SkySetReader::is_sky_set(path)) {
    set_ = std::make_unique<SkySetReader>(path);
    const SkySetHeader& header = set_->header();
    if (number >= header.count)
      fail("'{}' has no sky {}; its skies are 0 to {}", path, number, header.count - 1);
    nx_ = header.nx;
    ny_ = header.ny;
    pixel_arcmin_ = header.pixel_arcmin;
    periodic_ = header.periodic;
    return;
  }
  maps_ = std::make_unique<MapReader>(path);
  if (number > 0) fail("'{}' is a file of maps and has one sky; --sky-number is for sets", path);
  name_ = maps_->find_map("kappa");
  const PlaneGrid grid = maps_->grid();
  nx_ = grid.nx();
  ny_ = grid.ny();
  pixel_arcmin_ = grid.pixel_arcmin();
  periodic_ = false;
}

std::vector<double> SkyFile::read_rows(std::uint64_t first, std::uint64_t count) const {
  return set_ ? set_->read_rows(number_, first, count) : maps_->read_rows(name_, first, count);
}

}  // namespace tessera::io
