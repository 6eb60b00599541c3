#include "simulate/mock_catalogue.hpp"

#include <algorithm>
#include <complex>
#include <numbers>
#include <numeric>
#include <optional>

#include "core/error.hpp"
#include "core/random.hpp"
#include "mpi/agreement.hpp"
#include "sky/ownership.hpp"

namespace tessera::simulate {
namespace {

using Shear = std::complex<double>;

/// Shear of a local pixel of the sky, in the frame of the map.
Shear shear_at(const Sky& sky, std::size_t pixel, const ShapeModel& shapes) {
  const Shear gamma(sky.gamma1[pixel], sky.gamma2[pixel]);
  return shapes.reduced_shear ? gamma / (1.0 - sky.kappa[pixel]) : gamma;
}

void append(MockCatalogue& mock, SkyPosition sky, Shear e, double weight) {
  mock.ra.push_back(sky.ra);
  mock.dec.push_back(sky.dec);
  mock.e1.push_back(e.real());
  mock.e2.push_back(e.imag());
  mock.weight.push_back(weight);
}

/// Shear of pixels that other ranks own: asks the owners, who answer in the order of the questions.
std::vector<Shear> fetch_shear(const mpi::Communicator& comm, const SkyPixels& all, const Sky& sky,
                               const ShapeModel& shapes, const std::vector<SkyPixels::Place>& places) {
  const std::vector<std::uint64_t> first = all.first_pixels(comm.size());
  const auto owner = [&](const SkyPixels::Place& place) { return owner_of(first, place.pixel); };
  std::vector<std::uint64_t> offset(static_cast<std::size_t>(comm.size()) + 1, 0);
  for (const SkyPixels::Place& place : places) ++offset[owner(place) + 1];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  std::vector<std::uint64_t> questions(places.size()), position(places.size());
  std::vector<std::uint64_t> next(offset.begin(), offset.end() - 1);
  for (std::size_t i = 0; i < places.size(); ++i) {
    position[i] = next[owner(places[i])]++;
    questions[position[i]] = places[i].pixel;
  }
  std::vector<std::uint64_t> asked_offset;
  const auto asked = comm.all_to_all(std::span<const std::uint64_t>(questions), offset, &asked_offset);
  std::vector<Shear> answers(asked.size());
  const std::uint64_t mine = first[static_cast<std::size_t>(comm.rank())];
  std::transform(asked.begin(), asked.end(), answers.begin(),
                 [&](std::uint64_t pixel) { return shear_at(sky, pixel - mine, shapes); });
  const auto sorted = comm.all_to_all(std::span<const Shear>(answers), asked_offset);
  std::vector<Shear> shear(places.size());
  for (std::size_t i = 0; i < shear.size(); ++i) shear[i] = sorted[position[i]];
  return shear;
}

/// Draws the galaxies of pixel after pixel into a catalogue.
class GalaxyDraw {
 public:
  GalaxyDraw(double mean, const ShapeModel& shapes, std::uint64_t seed)
      : mean_(mean),
        shapes_(shapes),
        counts_(seed, Purpose::galaxy_count),
        places_(seed, Purpose::galaxy_position),
        ellipticities_(seed, Purpose::galaxy_ellipticity) {}

  /// pixel: its number for random numbers; centre: in whose frame the shear is; at(u, v): direction of a
  /// place in the pixel, if it is observed.
  template <class At>
  void add(std::uint64_t pixel, Shear shear, SkyPosition centre, At&& at) {
    const auto count = static_cast<std::uint32_t>(counts_.poisson(mean_, pixel));
    for (std::uint32_t galaxy = 0; galaxy < count; ++galaxy) {
      const auto [u, v] = places_.uniforms(pixel, galaxy);
      const std::optional<SkyPosition> direction = at(u, v);
      if (!direction) continue;
      const auto [a, b] = ellipticities_.normals(pixel, galaxy);
      const Shear turned = shear * std::polar(1.0, -2.0 * frame_rotation(*direction, centre));
      append(mock_, *direction, turned + shapes_.sigma_e * Shear(a, b), 1.0);
    }
  }

  [[nodiscard]] MockCatalogue take() { return std::move(mock_); }

 private:
  double mean_;
  ShapeModel shapes_;
  RandomStream counts_, places_, ellipticities_;
  MockCatalogue mock_;
};

}  // namespace

MockCatalogue draw_galaxies(const harmonic::PlaneBasis& basis, const PlaneGrid& field, const Sky& sky,
                            const SurveyMask& mask, double density, const ShapeModel& shapes,
                            std::uint64_t seed) {
  GalaxyDraw draw(density * field.pixel_arcmin() * field.pixel_arcmin(), shapes, seed);
  const std::uint64_t end = std::min(basis.first_row() + basis.local_rows(), field.ny());
  for (std::uint64_t row = basis.first_row(); row < end; ++row)
    for (std::uint64_t column = 0; column < field.nx(); ++column)
      draw.add(row * field.nx() + column,
               shear_at(sky, (row - basis.first_row()) * basis.nx() + column, shapes), field.centre(),
               [&](double u, double v) -> std::optional<SkyPosition> {
                 const PixelPosition position{static_cast<double>(column) + u - 0.5,
                                              static_cast<double>(row) + v - 0.5};
                 if (!mask.observes(position)) return std::nullopt;
                 return field.deproject(position);
               });
  return draw.take();
}

MockCatalogue draw_galaxies(const harmonic::SphereBasis& basis, const Sky& sky, const SphereMask& mask,
                            double density, const ShapeModel& shapes, std::uint64_t seed) {
  const HealpixGrid& grid = basis.grid();
  GalaxyDraw draw(density * grid.pixel_arcmin() * grid.pixel_arcmin(), shapes, seed);
  for (std::size_t p = 0; p < basis.pixel_count(); ++p) {
    const std::uint64_t pixel = grid.nested_index(basis.rings().ring_index(basis.first_pixel() + p));
    draw.add(pixel, shear_at(sky, p, shapes), grid.centre(pixel),
             [&](double u, double v) -> std::optional<SkyPosition> {
               const SkyPosition direction = grid.within(pixel, u, v);
               if (!mask.observes(direction)) return std::nullopt;
               return direction;
             });
  }
  return draw.take();
}

MockCatalogue turn_galaxies(const mpi::Communicator& comm, const SkyPixels& pixels, const Sky& sky,
                            const catalogue::ShearCatalogue& galaxies, const ShapeModel& shapes,
                            std::uint64_t seed) {
  const RandomStream angles(seed, Purpose::galaxy_ellipticity);
  const std::uint64_t first = comm.exclusive_scan(galaxies.ra.size());
  std::vector<SkyPixels::Place> places;
  std::vector<std::size_t> held;
  for (std::size_t i = 0; i < galaxies.ra.size(); ++i) {
    const auto place = pixels.place({galaxies.ra[i], galaxies.dec[i]});
    if (!place) continue;
    held.push_back(i);
    places.push_back(*place);
  }
  const std::vector<Shear> shear = fetch_shear(comm, pixels, sky, shapes, places);
  MockCatalogue mock;
  for (std::size_t n = 0; n < held.size(); ++n) {
    const std::size_t i = held[n];
    const double angle = 2.0 * std::numbers::pi * angles.uniforms(first + i)[0];
    const Shear intrinsic = Shear(galaxies.e1[i], galaxies.e2[i]) * std::polar(1.0, angle);
    append(mock, {galaxies.ra[i], galaxies.dec[i]},
           intrinsic + shear[n] * std::polar(1.0, -2.0 * places[n].rotation), galaxies.weight[i]);
  }
  return mock;
}

}  // namespace tessera::simulate
