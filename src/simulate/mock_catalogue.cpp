#include "simulate/mock_catalogue.hpp"

#include <algorithm>
#include <complex>
#include <numbers>
#include <numeric>

#include "core/error.hpp"
#include "core/random.hpp"
#include "mpi/agreement.hpp"

namespace tessera::simulate {
namespace {

using Shear = std::complex<double>;

/// Shear of a local pixel of the sky, in the frame of the map.
Shear shear_at(const Sky& sky, std::size_t pixel, const ShapeModel& shapes) {
  const Shear gamma(sky.gamma1[pixel], sky.gamma2[pixel]);
  return shapes.reduced_shear ? gamma / (1.0 - sky.kappa[pixel]) : gamma;
}

/// From the frame of the map to that of the catalogue.
Shear to_catalogue_frame(Shear e, const PlaneGrid& field, SkyPosition sky) {
  return e * std::polar(1.0, -2.0 * frame_rotation(sky, field.centre()));
}

void append(MockCatalogue& mock, SkyPosition sky, Shear e, double weight) {
  mock.ra.push_back(sky.ra);
  mock.dec.push_back(sky.dec);
  mock.e1.push_back(e.real());
  mock.e2.push_back(e.imag());
  mock.weight.push_back(weight);
}

/// Shear of pixels that other ranks own: asks the owners, who answer in the order of the questions.
std::vector<Shear> fetch_shear(const harmonic::PlaneBasis& basis, const Sky& sky, const ShapeModel& shapes,
                               const std::vector<std::uint64_t>& box_pixels) {
  const mpi::Communicator& comm = basis.comm();
  const BlockDistribution rows(basis.ny(), comm.size());
  const auto owner = [&](std::uint64_t pixel) {
    return static_cast<std::size_t>(rows.owner(pixel / basis.nx()));
  };
  std::vector<std::uint64_t> offset(static_cast<std::size_t>(comm.size()) + 1, 0);
  for (const std::uint64_t pixel : box_pixels) ++offset[owner(pixel) + 1];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  std::vector<std::uint64_t> questions(box_pixels.size()), place(box_pixels.size());
  std::vector<std::uint64_t> next(offset.begin(), offset.end() - 1);
  for (std::size_t i = 0; i < box_pixels.size(); ++i) {
    place[i] = next[owner(box_pixels[i])]++;
    questions[place[i]] = box_pixels[i];
  }
  std::vector<std::uint64_t> asked_offset;
  const auto asked = comm.all_to_all(std::span<const std::uint64_t>(questions), offset, &asked_offset);
  std::vector<Shear> answers(asked.size());
  std::transform(asked.begin(), asked.end(), answers.begin(),
                 [&](std::uint64_t pixel) { return shear_at(sky, pixel - basis.first_pixel(), shapes); });
  const auto sorted = comm.all_to_all(std::span<const Shear>(answers), asked_offset);
  std::vector<Shear> shear(box_pixels.size());
  for (std::size_t i = 0; i < shear.size(); ++i) shear[i] = sorted[place[i]];
  return shear;
}

}  // namespace

MockCatalogue draw_galaxies(const harmonic::PlaneBasis& basis, const PlaneGrid& field, const Sky& sky,
                            const SurveyMask& mask, double density, const ShapeModel& shapes,
                            std::uint64_t seed) {
  const RandomStream counts(seed, Purpose::galaxy_count);
  const RandomStream places(seed, Purpose::galaxy_position);
  const RandomStream ellipticities(seed, Purpose::galaxy_ellipticity);
  const double mean = density * field.pixel_arcmin() * field.pixel_arcmin();
  const std::uint64_t end = std::min(basis.first_row() + basis.local_rows(), field.ny());
  MockCatalogue mock;
  for (std::uint64_t row = basis.first_row(); row < end; ++row) {
    for (std::uint64_t column = 0; column < field.nx(); ++column) {
      const std::uint64_t pixel = row * field.nx() + column;
      const Shear shear = shear_at(sky, (row - basis.first_row()) * basis.nx() + column, shapes);
      const auto count = static_cast<std::uint32_t>(counts.poisson(mean, pixel));
      for (std::uint32_t galaxy = 0; galaxy < count; ++galaxy) {
        const auto [u, v] = places.uniforms(pixel, galaxy);
        const PixelPosition position{static_cast<double>(column) + u - 0.5,
                                     static_cast<double>(row) + v - 0.5};
        if (!mask.observes(position)) continue;
        const auto [a, b] = ellipticities.normals(pixel, galaxy);
        const SkyPosition direction = field.deproject(position);
        append(mock, direction, to_catalogue_frame(shear, field, direction) + shapes.sigma_e * Shear(a, b),
               1.0);
      }
    }
  }
  return mock;
}

MockCatalogue turn_galaxies(const harmonic::PlaneBasis& basis, const PlaneGrid& field, const Sky& sky,
                            const catalogue::ShearCatalogue& galaxies, const ShapeModel& shapes,
                            std::uint64_t seed) {
  const RandomStream angles(seed, Purpose::galaxy_ellipticity);
  const std::uint64_t first = basis.comm().exclusive_scan(galaxies.ra.size());
  std::vector<std::uint64_t> box_pixels;
  std::vector<std::size_t> on_field;
  for (std::size_t i = 0; i < galaxies.ra.size(); ++i) {
    const auto pixel = field.pixel_of({galaxies.ra[i], galaxies.dec[i]});
    if (!pixel) continue;
    on_field.push_back(i);
    box_pixels.push_back(*pixel / field.nx() * basis.nx() + *pixel % field.nx());
  }
  const std::vector<Shear> shear = fetch_shear(basis, sky, shapes, box_pixels);
  MockCatalogue mock;
  for (std::size_t n = 0; n < on_field.size(); ++n) {
    const std::size_t i = on_field[n];
    const SkyPosition direction{galaxies.ra[i], galaxies.dec[i]};
    const double angle = 2.0 * std::numbers::pi * angles.uniforms(first + i)[0];
    const Shear intrinsic = Shear(galaxies.e1[i], galaxies.e2[i]) * std::polar(1.0, angle);
    append(mock, direction, intrinsic + to_catalogue_frame(shear[n], field, direction), galaxies.weight[i]);
  }
  return mock;
}

}  // namespace tessera::simulate
