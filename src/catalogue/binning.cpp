#include "catalogue/binning.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

#include "core/error.hpp"
#include "mpi/agreement.hpp"
#include "mpi/ordered_sum.hpp"

namespace tessera::catalogue {
namespace {

/// What a galaxy adds to its pixel.
struct Contribution {
  std::uint64_t row;
  std::uint64_t column;
  double e1, e2;
  double weight;
  double response;
};

std::vector<Contribution> project(const ShearCatalogue& catalogue, const PlaneGrid& field) {
  std::vector<Contribution> galaxies;
  galaxies.reserve(catalogue.ra.size());
  for (std::size_t i = 0; i < catalogue.ra.size(); ++i) {
    const SkyPosition sky{catalogue.ra[i], catalogue.dec[i]};
    const auto pixel = field.pixel_of(sky);
    if (!pixel) continue;
    const auto e =
        std::complex(catalogue.e1[i], catalogue.e2[i]) * std::polar(1.0, 2.0 * field.frame_rotation(sky));
    galaxies.push_back({*pixel / field.nx(), *pixel % field.nx(), e.real(), e.imag(), catalogue.weight[i],
                        catalogue.response[i]});
  }
  return galaxies;
}

/// Sorts by owner, keeping the catalogue's order within one, and sends everything to its owner.
std::vector<Contribution> deliver(const mpi::Communicator& comm, const BlockDistribution& rows,
                                  const std::vector<Contribution>& galaxies) {
  std::vector<std::uint64_t> offset(static_cast<std::size_t>(comm.size()) + 1, 0);
  for (const Contribution& galaxy : galaxies) ++offset[static_cast<std::size_t>(rows.owner(galaxy.row)) + 1];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  std::vector<Contribution> sorted(galaxies.size());
  std::vector<std::uint64_t> next(offset.begin(), offset.end() - 1);
  for (const Contribution& galaxy : galaxies)
    sorted[next[static_cast<std::size_t>(rows.owner(galaxy.row))]++] = galaxy;
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

Sums accumulate(const std::vector<Contribution>& galaxies, std::uint64_t first_row, std::uint64_t local_rows,
                std::uint64_t box_nx) {
  Sums sums(local_rows * box_nx);
  for (const Contribution& g : galaxies) {
    const std::size_t p = (g.row - first_row) * box_nx + g.column;
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

double total(const mpi::OrderedSum& sum, const std::vector<double>& map, std::uint64_t box_nx) {
  std::vector<double> rows(map.size() / box_nx);
  for (std::size_t row = 0; row < rows.size(); ++row)
    rows[row] = std::accumulate(map.begin() + static_cast<std::ptrdiff_t>(row * box_nx),
                                map.begin() + static_cast<std::ptrdiff_t>((row + 1) * box_nx), 0.0);
  return sum(rows);
}

double measured_sigma_e(const mpi::OrderedSum& sum, const Sums& sums, std::uint64_t box_nx) {
  const double sigma_e = std::sqrt(0.5 * total(sum, sums.we_squared, box_nx) / total(sum, sums.w, box_nx));
  if (!(sigma_e > 0.0) || !std::isfinite(sigma_e))
    fail("the measured ellipticity dispersion is {} and noise needs a positive one; give it with --sigma-e",
         sigma_e);
  return sigma_e;
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
  }
  maps.count = std::move(sums.count);
  maps.weight = std::move(sums.w);
}

}  // namespace

ShearMaps bin_galaxies(const mpi::Communicator& comm, const ShearCatalogue& catalogue, const PlaneGrid& field,
                       PaddedBox box, std::optional<double> sigma_e) {
  TESSERA_REQUIRE(box.nx >= field.nx() && box.ny >= field.ny());
  const BlockDistribution rows(box.ny, comm.size());
  ShearMaps maps;
  maps.counts = catalogue.counts;

  std::vector<Contribution> galaxies;
  mpi::collectively(comm, [&] { galaxies = project(catalogue, field); });
  const auto on_grid = comm.sum(static_cast<std::uint64_t>(galaxies.size()));
  maps.counts.off_grid = catalogue.counts.used() - on_grid;
  if (on_grid == 0)
    fail(
        "no galaxy lies on the field of {} x {} pixels of {} arcmin about RA {:.4f}, Dec {:.4f} degrees; "
        "check --center, "
        "--npix and --pixel-arcmin, or leave out --center and --npix",
        field.nx(), field.ny(), field.pixel_arcmin(), field.centre().ra, field.centre().dec);
  galaxies = deliver(comm, rows, galaxies);

  Sums sums = accumulate(galaxies, rows.begin(comm.rank()), rows.count(comm.rank()), box.nx);
  const mpi::OrderedSum sum(comm, box.ny, rows.begin(comm.rank()));
  maps.sigma_e_measured = !sigma_e;
  maps.sigma_e = sigma_e ? *sigma_e : measured_sigma_e(sum, sums, box.nx);
  mpi::collectively(comm, [&] { fill_maps(sums, maps); });
  return maps;
}

}  // namespace tessera::catalogue
