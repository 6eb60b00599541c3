#include "apps/sky_source.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/log.hpp"

namespace tessera::apps {

void require_convergence(std::span<const double> values, const std::string& what) {
  constexpr double most = 1000.0;
  for (const double value : values)
    if (!(std::abs(value) <= most))
      fail("{} holds the value {}, which is no convergence; take it out, or give finite maps without holes",
           what, value);
}

SkySource::SkySource(const std::string& path, const std::string& map) : path_(path) {
  if (io::SkySetReader::is_sky_set(path))
    open_set();
  else
    open_map(map);
  if (std::min(box_.nx, box_.ny) < 8)
    fail("the skies of '{}' have {} x {} pixels; statistics need 8 x 8 at least: give wider maps", path_,
         box_.nx, box_.ny);
}

void SkySource::open_set() {
  const auto& header = set_.emplace(path_).header();
  const auto& spectra = set_->tables().c_ell;
  made_by_ = header.source;
  count_ = header.count;
  box_ = {header.nx, header.ny};
  pixel_arcmin_ = header.pixel_arcmin;
  periodic_ = header.periodic;
  pixel_averaged_ = header.pixel_averaged;
  has_spectra_ = header.ell.size() > 1 && std::all_of(spectra.begin(), spectra.end(),
                                                      [](double c) { return std::isfinite(c) && c > 0.0; });
  if (!has_spectra_)
    log::warn("'{}' has no spectra that are finite and positive: its power has no input to be compared with",
              path_);
}

void SkySource::open_map(const std::string& map) {
  const PlaneGrid grid = map_.emplace(path_).grid();
  map_name_ = map_->find_map(map);
  made_by_ = map_name_;
  box_ = {grid.nx(), grid.ny()};
  pixel_arcmin_ = grid.pixel_arcmin();
}

harmonic::EllRange SkySource::ell_range() const {
  auto range = harmonic::PlaneBasis::ell_range(box_, pixel_radians());
  if (has_spectra_) {
    range.min = std::max(range.min, set_->header().ell.front());
    range.max = std::min(range.max, set_->header().ell.back());
  }
  return range;
}

std::vector<double> SkySource::read(std::uint64_t sky, const harmonic::PlaneBasis& basis) const {
  auto rows = set_ ? set_->read_rows(sky, basis.first_row(), basis.local_rows())
                   : map_->read_rows(map_name_, basis.first_row(), basis.local_rows());
  require_convergence(rows, fmt::format("sky {} of '{}'", sky, path_));
  return rows;
}

std::vector<double> SkySource::expected(std::uint64_t sky, const harmonic::PlaneBasis& basis) const {
  TESSERA_REQUIRE(has_spectra_);
  const auto& table = set_->header().ell;
  const theory::PowerSpectrum spectrum(table, set_->c_ell(sky),
                                       fmt::format("spectrum of sky {} of '{}'", sky, path_));
  std::vector<double> power(basis.mode_count());
  constexpr double rounding = 1e-8;
  for (std::size_t k = 0; k < power.size(); ++k) {
    const double ell = basis.ell()[k];
    if (ell < table.front() * (1.0 - rounding) || ell > table.back() * (1.0 + rounding)) continue;
    const double window = pixel_averaged_ ? basis.pixel_window()[k] : 1.0;
    power[k] = spectrum(std::clamp(ell, table.front(), table.back())) * window * window;
  }
  return power;
}

}  // namespace tessera::apps
