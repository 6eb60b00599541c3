#include "apps/field_options.hpp"

#include <cmath>

#include "catalogue/field.hpp"
#include "core/error.hpp"
#include "mpi/memory.hpp"
#include "mpi/tree_sum.hpp"
#include "sky/block_distribution.hpp"
#include "theory/spectrum_file.hpp"

namespace tessera::apps {

std::vector<config::Option> field_options() {
  return {
      {"grid", "plane|healpix", "sky of the maps: plane (TAN projection), or the whole sphere (HEALPix)",
       "plane"},
      {"center", "RA,DEC", "centre of the field, degrees [median position of the galaxies]"},
      {"npix", "N[,M]", "pixels from East to West and, if not as many, from South to North [all galaxies]"},
      {"pixel-arcmin", "P", "side of a pixel, arcmin", "0.29"},
      {"padding", "F", "side of the periodic box over that of the field, 1 to 4", "2"},
      {"nside", "N", "healpix: resolution, a power of two; the pixels are 3438 / N arcmin wide"},
      {"lmax", "L", "healpix: highest multipole of the transform [2 nside]"}};
}

std::vector<config::Option> spectrum_options() {
  return {
      {"spectrum", "FILE",
       "theory spectrum of the convergence: a text file with columns ell and C_ell, or a section of CosmoSIS "
       "(folder shear_cl)"},
      {"spectrum-column", "K",
       "column of C_ell: its name in the header or folder, or its number, ell being column 1 [the only one]"},
      {"spectrum-kind", "cl|dl",
       "what the column holds: C_ell, or D_ell = ell(ell+1)C_ell/2pi [by its header; without one cl]"},
      {"pixel-window", "yes|no", "model the map as the mean over each pixel, not the value at its centre",
       "yes"}};
}

namespace {

SkyPosition center(const config::Values& values) {
  const auto numbers = values.numbers("center");
  if (numbers.size() != 2 || std::abs(numbers[0]) > 360.0 || std::abs(numbers[1]) > 90.0)
    fail("--center is '{}' and must be RA,DEC in degrees, -360 to 360 and -90 to 90", values.text("center"));
  return {numbers[0] - 360.0 * std::floor(numbers[0] / 360.0), numbers[1]};
}

}  // namespace

GridSize grid_size(const config::Values& values) {
  constexpr double max = 1e6;
  const auto numbers = values.numbers("npix");
  const auto valid = [&](double n) { return n >= 2.0 && n <= max && n == std::floor(n); };
  if (numbers.empty() || numbers.size() > 2 || !valid(numbers.front()) || !valid(numbers.back()))
    fail("--npix is '{}' and must be N or N,M with whole numbers from 2 to {:.0f}", values.text("npix"), max);
  return {static_cast<std::uint64_t>(numbers.front()), static_cast<std::uint64_t>(numbers.back())};
}

namespace {

theory::SpectrumChoice spectrum_choice(const config::Values& values) {
  theory::SpectrumChoice choice{values.text_or("spectrum-column", "")};
  if (values.has("spectrum-kind"))
    choice.kind = values.choice("spectrum-kind", {"cl", "dl"}) == "dl" ? theory::SpectrumKind::d_ell
                                                                       : theory::SpectrumKind::c_ell;
  return choice;
}

}  // namespace

std::uint64_t sphere_nside(const config::Values& values) {
  constexpr std::uint64_t most = 1 << 24;
  const std::uint64_t nside = values.count("nside", 1, most);
  if ((nside & (nside - 1)) != 0) fail("--nside is {} and must be a power of two from 1 to {}", nside, most);
  return nside;
}

FieldSettings::FieldSettings(const config::Values& values)
    : pixel_arcmin(values.number("pixel-arcmin", 1e-3, 600.0)), padding(values.number("padding", 1.0, 4.0)) {
  const bool sphere = values.choice("grid", {"plane", "healpix"}) == "healpix";
  for (const char* const name : {"center", "npix"})
    if (sphere && values.has(name)) fail("--{} is of the plane, and --grid is healpix; leave it out", name);
  for (const char* const name : {"nside", "lmax"})
    if (!sphere && values.has(name)) fail("--{} is of the sphere; give --grid healpix with it", name);
  if (sphere) {
    nside = sphere_nside(values);
    lmax = values.has("lmax") ? values.count("lmax", 2, 4 * nside) : 2 * nside;
  }
  if (values.has("center")) center = apps::center(values);
  if (values.has("npix")) size = grid_size(values);
}

PlaneGrid choose_field(const mpi::Communicator& comm, const FieldSettings& settings,
                       const catalogue::ShearCatalogue& galaxies) {
  const SkyPosition middle = settings.center ? *settings.center : catalogue::median_position(comm, galaxies);
  if (!settings.size) return catalogue::covering_grid(comm, galaxies, middle, settings.pixel_arcmin);
  return {middle, settings.size->nx, settings.size->ny, settings.pixel_arcmin};
}

void require_box_memory(const mpi::Communicator& comm, PaddedBox box, double doubles_per_pixel) {
  const auto pixels = static_cast<double>(BlockDistribution(box.ny, comm.size()).block() * box.nx);
  mpi::require_memory(comm, doubles_per_pixel * sizeof(double) * pixels,
                      fmt::format("a box of {} x {} pixels", box.nx, box.ny));
}

void require_sphere_memory(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
                           double doubles_per_pixel, double mode_vectors, std::uint64_t least_blocks) {
  const std::string maps = fmt::format("maps of nside {} with lmax {}", nside, lmax);
  // Of the mean rank first: the rings of a sphere that fits nowhere take long to count.
  const double mean_pixels = 12.0 * static_cast<double>(nside) * static_cast<double>(nside) / comm.size();
  mpi::require_memory(comm, sizeof(double) * doubles_per_pixel * mean_pixels, maps);
  const RingDistribution rings(nside, comm.size(), least_blocks);
  std::uint64_t pixels = 0;
  for (int rank = 0; rank < comm.size(); ++rank)
    pixels = std::max(pixels, rings.first_pixel(rank + 1) - rings.first_pixel(rank));
  const double modes = 0.5 * static_cast<double>(lmax + 1) * static_cast<double>(lmax + 2);
  const double own = std::min(modes, modes / comm.size() + static_cast<double>(lmax + 1));
  // Of E and B: all modes, and what the sum over blocks keeps, see SphereBasis.
  const mpi::TreeSum::Kept kept = mpi::TreeSum::most_kept(rings.first_blocks());
  const double of_basis = 2.0 * (1.0 + static_cast<double>(kept.whole)),
               tables = 1.0 + 2.0 * static_cast<double>(kept.own_entries);
  mpi::require_memory(comm,
                      sizeof(double) * (doubles_per_pixel * static_cast<double>(pixels) +
                                        2.0 * (of_basis * modes + (tables + mode_vectors) * own)),
                      maps);
}

void require_spectrum(const config::Values& values) {
  values.require("spectrum");
  static_cast<void>(spectrum_choice(values));
}

theory::PowerSpectrum spectrum_for(const config::Values& values, PaddedBox box, double pixel_radians) {
  return spectrum_for(values, harmonic::PlaneBasis::ell_range(box, pixel_radians));
}

theory::PowerSpectrum spectrum_for(const config::Values& values, harmonic::EllRange range) {
  auto spectrum = theory::read_spectrum(values.text("spectrum"), spectrum_choice(values));
  spectrum.require_coverage(range.min, range.max);
  return spectrum;
}

}  // namespace tessera::apps
