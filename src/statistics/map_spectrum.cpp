#include "statistics/map_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "statistics/taper.hpp"

namespace tessera::statistics {

MapSpectrum::MapSpectrum(const harmonic::PlaneBasis& basis, bool periodic, bool pixel_averaged,
                         std::uint64_t bands)
    : basis_(&basis) {
  TESSERA_REQUIRE(basis.comm().size() == 1 && bands > 0);
  if (!periodic) {
    const auto x = cosine_taper(basis.nx()), y = cosine_taper(basis.ny());
    for (const double wy : y)
      for (const double wx : x) taper_.push_back(wx * wy);
  }
  sort_modes(pixel_averaged, bands);
}

void MapSpectrum::sort_modes(bool pixel_averaged, std::uint64_t bands) {
  const auto range =
      harmonic::PlaneBasis::ell_range({basis_->nx(), basis_->ny()}, std::sqrt(basis_->pixel_area()));
  const double scale = static_cast<double>(bands) / std::log(range.max / range.min * (1.0 + 1e-9));
  const auto ell = basis_->ell();
  std::vector<double> modes(bands), sum(bands);
  for (std::size_t k = 0; k < ell.size(); ++k) {
    // Columns but the first and the Nyquist column stand for their mirror image too.
    const std::uint64_t column = k / basis_->ny();
    weight_.push_back(column == 0 || 2 * column == basis_->nx() ? 1.0 : 2.0);
    const double place = ell[k] > 0.0 ? scale * std::log(ell[k] / range.min * (1.0 + 1e-12)) : -1.0;
    band_.push_back(place < 0.0 ? bands : std::min(static_cast<std::size_t>(place), bands - 1));
    if (band_.back() == bands) continue;
    modes[band_.back()] += weight_.back();
    sum[band_.back()] += weight_.back() * ell[k];
  }
  std::vector<std::size_t> kept(bands + 1);
  ell_ = {range.min};
  for (std::size_t b = 0; b < bands; ++b) {
    kept[b] = bands_;
    if (modes[b] == 0.0) continue;
    const double mean = sum[b] / modes[b];
    // A band of one ell at an end of the range is that end's node, moved by less than the bits that matter.
    ell_.push_back(std::clamp(mean, range.min * (1.0 + 1e-6), range.max * (1.0 - 1e-6)));
    ++bands_;
  }
  ell_.push_back(range.max);
  kept[bands] = bands_;
  const auto window = basis_->pixel_window();
  for (std::size_t k = 0; k < ell.size(); ++k) {
    const std::size_t old = band_[k];
    band_[k] = kept[old];
    if (old < bands) weight_[k] /= modes[old] * (pixel_averaged ? window[k] * window[k] : 1.0);
  }
}

std::vector<double> MapSpectrum::operator()(harmonic::ConstPixels map) const {
  TESSERA_REQUIRE(map.size() == basis_->pixel_count());
  std::vector<double> field(map.begin(), map.end());
  double norm = 1.0;
  if (!taper_.empty()) {
    const harmonic::ConstPixels window(taper_);
    const double mean = basis_->dot(map, window) /
                        std::max(1e-300, basis_->dot(window, std::vector<double>(map.size(), 1.0)));
    for (std::size_t p = 0; p < field.size(); ++p) field[p] = taper_[p] * (map[p] - mean);
    norm = static_cast<double>(map.size()) / basis_->dot(window, window);
  }
  std::vector<harmonic::Complex> modes(basis_->mode_count());
  basis_->synthesis_adjoint(field, modes);
  norm *= basis_->pixel_area() * basis_->pixel_area();
  std::vector<double> power(bands_);
  for (std::size_t k = 0; k < modes.size(); ++k)
    if (band_[k] < bands_) power[band_[k]] += norm * weight_[k] * std::norm(modes[k]);
  power.insert(power.begin(), power.front());
  power.push_back(power.back());
  return power;
}

}  // namespace tessera::statistics
