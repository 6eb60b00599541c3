#include "simulate/halo_sky.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/error.hpp"
#include "core/random.hpp"
#include "theory/interpolate.hpp"
#include "theory/nfw.hpp"

namespace tessera::simulate {
namespace {

using harmonic::Complex;
using std::numbers::pi;

constexpr std::uint32_t shells_per_sky = 64;  // streams of random numbers set aside for a sky
constexpr std::uint32_t draws_per_halo = 1U << 12U;
constexpr std::uint64_t haloes_per_pixel = 1U << 16U;
constexpr double first_class = 0.08;  // root mean square radius in pixels
constexpr double class_step = 0.22;   // of its logarithm
constexpr double class_concentration = 5.0;

/// Root mean square radius of the mass over the radius.
double rms_radius(double c) {
  const double second = (c * c * c - 3.0 * c * c - 6.0 * c) / (2.0 * (1.0 + c)) + 3.0 * std::log1p(c);
  return std::sqrt(second / theory::nfw_mass(c)) / c;
}

/// Projected radius, in units of the radius, of a random particle of the profile.
double random_radius(double c, double u, double v) {
  double low = 0.0, high = c;
  for (int i = 0; i < 30; ++i) {
    const double middle = 0.5 * (low + high);
    (theory::nfw_mass(middle) < u * theory::nfw_mass(c) ? low : high) = middle;
  }
  const double along = 2.0 * v - 1.0;  // cosine to the line of sight
  return low / c * std::sqrt(1.0 - along * along);
}

}  // namespace

HaloSkies::HaloSkies(const harmonic::PlaneBasis& basis, const HaloShells& shells)
    : basis_(&basis), shells_(&shells), shapes_(shells.shapes()) {
  TESSERA_REQUIRE(shells.shells().size() <= shells_per_sky);
  const double first = std::log(shells.ell().front());
  const double step = std::log(shells.ell()[1]) - first;
  for (const double ell : basis.ell())
    place_.push_back(ell > 0.0 ? static_cast<float>((std::log(ell) - first) / step) : -1.0F);
  for (std::size_t size = 0; size < size_classes; ++size) class_profile_.push_back(class_profile(size));

  const double area = basis.pixel_area() * static_cast<double>(basis.total_pixels());
  std::vector<Complex> modes(basis.mode_count());
  for (const Shell& shell : shells.shells()) {
    std::vector<double> root(shell.field_power.size());
    std::transform(shell.field_power.begin(), shell.field_power.end(), root.begin(),
                   [](double c) { return std::sqrt(c); });
    std::fill(modes.begin(), modes.end(), 1.0);
    multiply(modes, root, 0.0);
    field_variance_.push_back(basis.dot(harmonic::ConstModes(modes), harmonic::ConstModes(modes)) / area);
    field_root_.push_back(std::move(root));
  }
}

void HaloSkies::multiply(harmonic::Modes modes, const std::vector<double>& table, double mean) const {
  for (std::size_t k = 0; k < modes.size(); ++k) {
    const double place = place_[k];
    if (place < 0.0) {
      modes[k] *= mean;
      continue;
    }
    const auto i = static_cast<std::size_t>(place);
    const double t = place - static_cast<double>(i);
    modes[k] *= (1.0 - t) * table[i] + t * table[i + 1];
  }
}

std::vector<double> HaloSkies::class_profile(std::size_t size) const {
  const double pixel = std::sqrt(basis_->pixel_area());
  const double rms = first_class * std::exp(class_step * static_cast<double>(size));
  const double scale = rms / (rms_radius(class_concentration) * class_concentration) * pixel;
  std::vector<double> profile;
  for (const double ell : shells_->ell())
    profile.push_back(theory::nfw_fourier(ell * scale, class_concentration));
  return profile;
}

std::size_t HaloSkies::size_class(const Drawn& halo) {
  const double place = std::log(halo.radius * rms_radius(halo.concentration) / first_class) / class_step;
  return static_cast<std::size_t>(std::clamp(std::round(place), 0.0, static_cast<double>(size_classes - 1)));
}

HaloSkies::Drawn HaloSkies::draw_halo(const Shell& shell, const NodeShares& rates,
                                      std::array<double, 2> uniforms, double scatter) const {
  double left = uniforms[0] * std::accumulate(rates.begin(), rates.end(), 0.0);
  std::size_t node = 0;
  while (node + 1 < rates.size() && left > rates[node]) left -= rates[node++];
  const Shell::Halo halo = shell.halo(node, uniforms[1]);
  const double spread = shells_->options().concentration_scatter;
  return {halo.mass, halo.radius / (shell.distance * std::sqrt(basis_->pixel_area())),
          std::clamp(halo.concentration * std::exp(spread * scatter - 0.5 * spread * spread), 1.0, 80.0),
          halo.mass * shell.mass_to_kappa / basis_->pixel_area()};
}

void HaloSkies::paint_later(const Drawn& halo, const Identity& identity, const RandomStream& properties,
                            std::size_t pixel, std::vector<PaintedHalo>& large) const {
  const std::uint32_t draw = identity.number * draws_per_halo;
  const auto offset = properties.uniforms(identity.place, draw + 2);
  const auto [shape, unused] = properties.normals(identity.place, draw + 3);
  const double turn = properties.uniforms(identity.place, draw + 4)[0];
  const std::uint64_t row = pixel / basis_->nx(), column = pixel % basis_->nx();
  PaintedHalo painted{identity.key,
                      static_cast<double>(column) + offset[0] - 0.5,
                      static_cast<double>(basis_->first_row() + row) + offset[1] - 0.5,
                      halo.radius,
                      halo.concentration,
                      std::clamp(shapes_.axis_ratio + shapes_.axis_ratio_scatter * shape, 0.3, 1.0),
                      pi * turn,
                      halo.kappa};
  if (shapes_.axis_ratio >= 1.0) painted.axis_ratio = 1.0;
  const double substructure = halo.radius > substructured_radius ? shapes_.subhaloes : 0.0;
  painted.kappa *= 1.0 - shapes_.core - substructure;
  large.push_back(painted);
  if (shapes_.core > 0.0) {
    PaintedHalo core = painted;
    core.key += 1;
    core.radius = std::max(core_radius * halo.radius, 1e-3);
    core.kappa = shapes_.core * halo.kappa;
    large.push_back(core);
  }
  if (substructure > 0.0) add_subhaloes(halo, painted, identity, properties, large);
}

void HaloSkies::add_subhaloes(const Drawn& host, const PaintedHalo& painted, const Identity& identity,
                              const RandomStream& properties, std::vector<PaintedHalo>& large) const {
  constexpr double low = Subhaloes::low, slope = Subhaloes::slope;
  const double number = Subhaloes::moment(0);
  const std::uint32_t first = identity.number * draws_per_halo + 8;
  const RandomStream& random = properties;
  const auto count =
      random.poisson(shapes_.subhaloes * number / Subhaloes::moment(1), identity.place ^ identity.key << 40U);
  constexpr std::uint64_t most = draws_per_halo / 4 - 4;
  for (std::uint32_t i = 0; i < std::min(count, most); ++i) {
    const auto [u, v] = random.uniforms(identity.place, first + 3 * i);
    const auto [w, turn] = random.uniforms(identity.place, first + 3 * i + 1);
    const double spread = random.normals(identity.place, first + 3 * i + 2)[0];
    const double mass = std::pow(std::pow(low, -slope) - u * slope * number, -1.0 / slope);
    const double distance = random_radius(host.concentration, v, w) * host.radius;
    PaintedHalo sub = painted;
    sub.key = painted.key + 2 + i;
    sub.x += distance * std::cos(2.0 * pi * turn);
    sub.y += distance * std::sin(2.0 * pi * turn);
    sub.radius = Subhaloes::tidal * host.radius * std::cbrt(mass);
    sub.concentration = std::clamp(
        host.concentration * std::exp(shells_->options().concentration_scatter * spread), 1.0, 80.0);
    sub.axis_ratio = 1.0;
    sub.kappa = mass * host.kappa;
    large.push_back(sub);
  }
}

void HaloSkies::draw_haloes(std::size_t shell, std::uint64_t seed, std::uint32_t stream, std::size_t pixel,
                            const NodeShares& rates, SmallHaloes& small,
                            std::vector<PaintedHalo>& large) const {
  const std::uint64_t place = basis_->first_pixel() + pixel;
  const double rate = std::accumulate(rates.begin(), rates.end(), 0.0);
  const std::uint64_t count = RandomStream(seed, Purpose::halo_count, stream).poisson(rate, place);
  if (count == 0) return;
  const RandomStream properties(seed, Purpose::halo_property, stream);
  for (std::uint32_t n = 0; n < std::min(count, haloes_per_pixel - 1); ++n) {
    const auto uniforms = properties.uniforms(place, n * draws_per_halo);
    const double scatter = properties.normals(place, n * draws_per_halo + 1)[0];
    const Drawn halo = draw_halo(shells_->shells()[shell], rates, uniforms, scatter);
    if (halo.radius < painted_radius) {
      small[size_class(halo)].push_back({static_cast<std::uint32_t>(pixel), static_cast<float>(halo.kappa)});
      continue;
    }
    const std::uint64_t key =
        ((shell * basis_->total_pixels() + place) * haloes_per_pixel + n) * draws_per_halo;
    paint_later(halo, {key, place, n}, properties, pixel, large);
  }
}

std::vector<double> HaloSkies::shell_field(std::size_t shell, std::uint64_t seed,
                                           std::uint32_t stream) const {
  std::vector<Complex> modes(basis_->mode_count());
  std::vector<double> field(basis_->pixel_count());
  basis_->white_noise(RandomStream(seed, Purpose::halo_field, stream), harmonic::Modes(modes));
  multiply(modes, field_root_[shell], 0.0);
  basis_->synthesis(modes, field);
  return field;
}

void HaloSkies::add_shell(std::size_t shell, std::uint64_t seed, std::uint32_t stream,
                          std::vector<double>& smooth, std::vector<double>& painted,
                          SmallHaloes& small) const {
  const Shell& here = shells_->shells()[shell];
  const std::vector<double> field = shell_field(shell, seed, stream);
  NodeShares norm{};
  for (std::size_t a = 0; a < norm.size(); ++a)
    norm[a] = std::exp(-0.5 * bias_nodes[a] * bias_nodes[a] * field_variance_[shell]);
  const double smooth_mean = std::accumulate(here.smooth.begin(), here.smooth.end(), 0.0);
  std::vector<PaintedHalo> large;
  for (std::size_t pixel = 0; pixel < field.size(); ++pixel) {
    // x^(1/2), x, x^2, x^4
    NodeShares power{};
    power[0] = std::exp(bias_nodes[0] * field[pixel]);
    for (std::size_t a = 1; a < power.size(); ++a) power[a] = power[a - 1] * power[a - 1];
    NodeShares rates{};
    double matter = -smooth_mean;
    for (std::size_t a = 0; a < power.size(); ++a) {
      matter += here.smooth[a] * norm[a] * power[a];
      rates[a] = here.halo_count[a] * basis_->pixel_area() * norm[a] * power[a];
    }
    smooth[pixel] += here.weight * (matter - here.halo_fraction);
    draw_haloes(shell, seed, stream, pixel, rates, small, large);
  }
  painter_.paint(*basis_, large, painted);
}

std::vector<double> HaloSkies::kappa(std::uint64_t seed, std::uint32_t realisation,
                                     bool pixel_averaged) const {
  std::vector<double> map(basis_->pixel_count(), 0.0), painted(map);
  SmallHaloes small;
  for (std::size_t shell = 0; shell < shells_->shells().size(); ++shell)
    add_shell(shell, seed, realisation * shells_per_sky + static_cast<std::uint32_t>(shell), map, painted,
              small);

  std::vector<Complex> sum(basis_->mode_count()), modes(basis_->mode_count());
  const auto analyse = [&](const std::vector<double>& field, std::vector<Complex>& to) {
    basis_->synthesis_adjoint(field, to);
    for (Complex& mode : to) mode *= basis_->pixel_area();
  };
  analyse(map, sum);
  for (std::size_t size = 0; size < size_classes; ++size) {
    if (basis_->comm().sum(static_cast<std::uint64_t>(small[size].size())) == 0) continue;
    std::fill(map.begin(), map.end(), 0.0);
    for (const SmallHalo& halo : small[size]) map[halo.pixel] += static_cast<double>(halo.kappa);
    small[size] = {};
    analyse(map, modes);
    multiply(modes, class_profile_[size], 1.0);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += modes[k];
  }
  analyse(painted, modes);
  const auto window = basis_->pixel_window();
  for (std::size_t k = 0; k < sum.size(); ++k)
    sum[k] = pixel_averaged ? window[k] * sum[k] + modes[k] : sum[k] + modes[k] / window[k];
  multiply(sum, shells_->transfer(), 1.0);
  basis_->synthesis(sum, map);
  return map;
}

}  // namespace tessera::simulate
