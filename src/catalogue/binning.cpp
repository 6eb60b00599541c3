#include "catalogue/binning.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

#include "core/error.hpp"
#include "mpi/agreement.hpp"
#include "mpi/ordered_sum.hpp"
#include "sky/ownership.hpp"

namespace tessera::catalogue {
namespace {

/// What a galaxy adds to its pixel.
struct Contribution {
  std::uint64_t pixel;
  double e1, e2;
  double weight;
  double response;
};

std::vector<Contribution> project(const ShearCatalogue& catalogue, const SkyPixels& pixels) {
  std::vector<Contribution> galaxies;
  galaxies.reserve(catalogue.ra.size());
  for (std::size_t i = 0; i < catalogue.ra.size(); ++i) {
    const auto place = pixels.place({catalogue.ra[i], catalogue.dec[i]});
    if (!place) continue;
    const auto e = std::complex(catalogue.e1[i], catalogue.e2[i]) * std::polar(1.0, 2.0 * place->rotation);
    galaxies.push_back({place->pixel, e.real(), e.imag(), catalogue.weight[i], catalogue.response[i]});
  }
  return galaxies;
}

/// Sorts by owner, keeping the catalogue's order within one, and sends everything to its owner.
std::vector<Contribution> deliver(const mpi::Communicator& comm, const SkyPixels& pixels,
                                  std::vector<Contribution> galaxies) {
  const std::vector<std::uint64_t> first = pixels.first_pixels(comm.size());
  const auto owner = [&](const Contribution& galaxy) { return owner_of(first, galaxy.pixel); };
  std::vector<std::uint64_t> offset(static_cast<std::size_t>(comm.size()) + 1, 0);
  for (const Contribution& galaxy : galaxies) ++offset[owner(galaxy) + 1];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  std::vector<Contribution> sorted(galaxies.size());
  std::vector<std::uint64_t> next(offset.begin(), offset.end() - 1);
  for (const Contribution& galaxy : galaxies) sorted[next[owner(galaxy)]++] = galaxy;
  galaxies = {};  // a survey's galaxies take gigabytes
  return comm.all_to_all(std::span<const Contribution>(sorted), offset);
}

/// Sums per local pixel of the box.
struct Sums {
  explicit Sums(std::size_t pixels)
      : count(pixels),
        w(pixels),
        w2(pixels),
        we1(pixels),
        we2(pixels),
        we_squared(pixels),
        response(pixels) {}
  std::vector<double> count, w, w2, we1, we2, we_squared, response;
};

Sums accumulate(const std::vector<Contribution>& galaxies, std::uint64_t first, std::uint64_t count) {
  Sums sums(count);
  for (const Contribution& g : galaxies) {
    const std::size_t p = g.pixel - first;
    sums.count[p] += 1.0;
    sums.w[p] += g.weight;
    sums.w2[p] += g.weight * g.weight;
    sums.we1[p] += g.weight * g.e1;
    sums.we2[p] += g.weight * g.e2;
    sums.we_squared[p] += g.weight * (g.e1 * g.e1 + g.e2 * g.e2);
    sums.response[p] += g.weight * g.response;
  }
  return sums;
}

/// Sums of maps over all ranks, row by row.
class MapSum {
 public:
  MapSum(const mpi::Communicator& comm, const SkyPixels& pixels)
      : pixels_(&pixels),
        begin_(pixels.first_row(comm.rank())),
        end_(pixels.first_row(comm.rank() + 1)),
        sum_(comm, pixels.rows(), begin_) {}

  [[nodiscard]] double operator()(const std::vector<double>& map) const {
    std::vector<double> rows;
    const std::uint64_t first = pixels_->row_begin(begin_);
    const auto at = [&](std::uint64_t row) {
      return map.begin() + static_cast<std::ptrdiff_t>(pixels_->row_begin(row) - first);
    };
    for (std::uint64_t row = begin_; row < end_; ++row)
      rows.push_back(std::accumulate(at(row), at(row + 1), 0.0));
    return sum_(rows);
  }

 private:
  const SkyPixels* pixels_;
  std::uint64_t begin_, end_;
  mpi::OrderedSum sum_;
};

double measured_sigma_e(const MapSum& sum, const Sums& sums) {
  const double sigma_e = std::sqrt(0.5 * sum(sums.we_squared) / sum(sums.w));
  if (!(sigma_e > 0.0) || !std::isfinite(sigma_e))
    fail("the measured ellipticity dispersion is {} and noise needs a positive one; give it with --sigma-e",
         sigma_e);
  constexpr double most = 2.0;
  if (sigma_e > most)
    fail(
        "the measured ellipticity dispersion is {:.3g} per component, and galaxies have up to about 0.5; "
        "take "
        "rows with values like -999 out of the catalogue, or give --sigma-e",
        sigma_e);
  return sigma_e;
}

/// Sums of sentinels and of absurd weights overflow or vanish.
void require_sound(const ShearMaps& maps, std::size_t p) {
  constexpr double most = 1e6;
  const double shear = std::max(std::abs(maps.gamma1[p]), std::abs(maps.gamma2[p]));
  if (!(shear < most))
    fail(
        "the galaxies of a pixel have a mean shear of {}, which is not finite or absurd; check the values of "
        "the columns of ellipticities, --w-column and --m",
        shear);
  if (!(maps.noise_sigma[p] > 0.0) || !std::isfinite(maps.noise_sigma[p]))
    fail(
        "the galaxies of a pixel have a noise of {}, which must be finite and positive; check the values of "
        "--w-column and --m",
        maps.noise_sigma[p]);
}

void fill_maps(Sums& sums, ShearMaps& maps) {
  const std::size_t pixels = sums.count.size();
  maps.gamma1.resize(pixels);
  maps.gamma2.resize(pixels);
  maps.noise_sigma.resize(pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (sums.count[p] == 0.0) continue;
    if (!(sums.response[p] > 0.0))
      fail("a pixel has a mean response 1 + m = {} and shear needs a positive one; check --m",
           sums.response[p] / sums.w[p]);
    maps.gamma1[p] = sums.we1[p] / sums.response[p];
    maps.gamma2[p] = sums.we2[p] / sums.response[p];
    maps.noise_sigma[p] = maps.sigma_e * std::sqrt(sums.w2[p]) / sums.response[p];
    require_sound(maps, p);
  }
  maps.count = std::move(sums.count);
  maps.weight = std::move(sums.w);
}

}  // namespace

ShearMaps bin_galaxies(const mpi::Communicator& comm, const ShearCatalogue& catalogue,
                       const SkyPixels& pixels, std::optional<double> sigma_e) {
  ShearMaps maps;
  maps.counts = catalogue.counts;

  std::vector<Contribution> galaxies;
  mpi::collectively(comm, [&] { galaxies = project(catalogue, pixels); });
  const auto on_grid = comm.sum(static_cast<std::uint64_t>(galaxies.size()));
  maps.counts.off_grid = catalogue.counts.used() - on_grid;
  if (on_grid == 0) fail("no galaxy lies on the {}; {}", pixels.description(), pixels.advice());
  galaxies = deliver(comm, pixels, std::move(galaxies));

  const std::uint64_t first = pixels.first_pixel(comm.rank());
  Sums sums = accumulate(galaxies, first, pixels.first_pixel(comm.rank() + 1) - first);
  maps.sigma_e_measured = !sigma_e;
  maps.sigma_e = sigma_e ? *sigma_e : measured_sigma_e(MapSum(comm, pixels), sums);
  mpi::collectively(comm, [&] { fill_maps(sums, maps); });
  return maps;
}

}  // namespace tessera::catalogue
