#include "network/deepmass.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "harmonic/smoothing.hpp"
#include "mpi/agreement.hpp"
#include "sky/angles.hpp"

namespace tessera::network {
namespace {

// Units that bring the channels near one. They are part of what the weights mean.
constexpr double root_information_unit = 20.0;  // galaxies: sqrt(n) / sigma_e per arcmin
constexpr double depth_unit = 50.0;             // n / sigma_e^2 per arcmin^2
// Standard deviation of the Gaussian average: arcmin, and at least so many pixels.
constexpr double depth_scale_arcmin = 1.0, depth_scale_pixels = 1.5;

double pixel_arcmin2(const harmonic::HarmonicBasis& basis) {
  return basis.pixel_area() / (radians_per_arcmin * radians_per_arcmin);
}

/// Inverse noise variance of a shear component per arcmin^2, pixel by pixel.
std::vector<double> information(const harmonic::HarmonicBasis& basis, std::span<const double> noise_sigma) {
  const double area = pixel_arcmin2(basis);
  std::vector<double> values(noise_sigma.size());
  std::transform(noise_sigma.begin(), noise_sigma.end(), values.begin(),
                 [area](double sigma) { return sigma > 0.0 ? 1.0 / (sigma * sigma * area) : 0.0; });
  return values;
}

/// The information averaged over the surroundings.
std::vector<double> depth(const harmonic::HarmonicBasis& basis, std::span<const double> values) {
  const double scale =
      std::max(depth_scale_arcmin * radians_per_arcmin, depth_scale_pixels * std::sqrt(basis.pixel_area()));
  std::vector<double> smooth = harmonic::smoothed(basis, values, scale);
  for (double& value : smooth) value = std::max(value, 0.0);
  return smooth;
}

}  // namespace

void fill_deepmass_inputs(const harmonic::HarmonicBasis& basis, std::span<const double> wiener,
                          std::span<const double> noise_sigma, std::span<double> inputs) {
  const std::size_t n = basis.pixel_count();
  TESSERA_REQUIRE(wiener.size() == n && noise_sigma.size() == n && inputs.size() == deepmass_inputs * n);
  const std::vector<double> local = information(basis, noise_sigma);
  const std::vector<double> around = depth(basis, local);
  for (std::size_t p = 0; p < n; ++p) {
    inputs[p] = wiener[p] / deepmass_kappa_unit;
    inputs[n + p] = std::sqrt(local[p]) / root_information_unit;
    inputs[2 * n + p] = std::log1p(around[p] / depth_unit);
    inputs[3 * n + p] = local[p] > 0.0 ? 1.0 : 0.0;
  }
}

double noise_level(const harmonic::HarmonicBasis& basis, std::span<const double> noise_sigma) {
  const std::vector<double> local = information(basis, noise_sigma);
  const std::vector<double> around = depth(basis, local), one(local.size(), 1.0);
  const harmonic::ConstPixels weight(local);
  const double total = basis.dot(weight, harmonic::ConstPixels(one));
  if (!(total > 0.0))
    fail("no pixel holds a galaxy, so there is no shear to map; check the field and the catalogue");
  return 1.0 / std::sqrt(basis.dot(weight, harmonic::ConstPixels(around)) / total);
}

DeepMassMaps deepmass_maps(std::span<const double> wiener, std::span<const double> outputs) {
  const std::size_t n = wiener.size();
  TESSERA_REQUIRE(outputs.size() == n || outputs.size() == 2 * n);
  DeepMassMaps maps;
  maps.mean.resize(n);
  for (std::size_t p = 0; p < n; ++p) maps.mean[p] = wiener[p] + deepmass_kappa_unit * outputs[p];
  if (outputs.size() == n) return maps;
  maps.deviation.resize(n);
  for (std::size_t p = 0; p < n; ++p)
    maps.deviation[p] = deepmass_kappa_unit * std::exp(0.5 * outputs[n + p]);
  return maps;
}

namespace {

/// Weights without sense make numbers that are none.
void require_numbers(const DeepMassMaps& maps) {
  for (const std::vector<double>* map : {&maps.mean, &maps.deviation})
    for (const double value : *map)
      if (!std::isfinite(value))
        fail(
            "the DeepMass network gives values that are no numbers: its weights or the data are far from "
            "what it "
            "learned; take another model");
}

}  // namespace

DeepMassMaps deepmass_on_window(Network& network, const harmonic::PlaneBasis& basis,
                                std::span<const double> wiener, std::span<const double> noise_sigma,
                                std::uint64_t margin) {
  const torch::NoGradGuard no_gradients;
  std::vector<double> inputs(deepmass_inputs * basis.pixel_count());
  fill_deepmass_inputs(basis, wiener, noise_sigma, inputs);
  const auto ny = static_cast<std::int64_t>(basis.ny()), nx = static_cast<std::int64_t>(basis.nx());
  const auto border = static_cast<std::int64_t>(margin);
  const auto channels = static_cast<std::int64_t>(deepmass_inputs);
  torch::Tensor maps = torch::from_blob(inputs.data(), {1, channels, ny, nx}, torch::kDouble)
                           .slice(2, border, ny - border)
                           .slice(3, border, nx - border)
                           .to(torch::kFloat);
  const auto square = static_cast<std::int64_t>(distortion_channels(network.shape(), deepmass_inputs));
  if (square > 0) maps = torch::cat({maps, torch::zeros({1, square, maps.size(2), maps.size(3)})}, 1);
  const torch::Tensor inner = network.forward(maps).to(torch::kDouble);
  torch::Tensor out = torch::zeros({1, inner.size(1), ny, nx}, torch::kDouble);
  out.slice(2, border, ny - border).slice(3, border, nx - border).copy_(inner);
  DeepMassMaps result =
      deepmass_maps(wiener, {out.data_ptr<double>(), static_cast<std::size_t>(out.numel())});
  require_numbers(result);
  return result;
}

DeepMass::DeepMass(const harmonic::HarmonicBasis& basis, const std::shared_ptr<Network>& network,
                   exchange::Tiling tiling)
    : basis_(&basis),
      network_(basis.comm(), network, std::move(tiling), deepmass_inputs),
      inputs_(deepmass_inputs * basis.pixel_count()),
      outputs_(static_cast<std::size_t>(network->shape().outputs) * basis.pixel_count()) {}

DeepMassMaps DeepMass::evaluate(std::span<const double> wiener, std::span<const double> noise_sigma) {
  fill_deepmass_inputs(*basis_, wiener, noise_sigma, inputs_);
  network_.evaluate(inputs_, outputs_);
  DeepMassMaps maps = deepmass_maps(wiener, outputs_);
  mpi::collectively(basis_->comm(), [&] { require_numbers(maps); });
  return maps;
}

}  // namespace tessera::network
