#include "network/deepmass_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "inference/gaussian_posterior.hpp"
#include "inference/kaiser_squires.hpp"
#include "mpi/agreement.hpp"
#include "network/deepmass.hpp"
#include "sky/angles.hpp"

namespace tessera::network {
namespace {

constexpr double weight_without_data = 0.1;

torch::Tensor as_tensor(std::span<const double> values, std::int64_t channels,
                        const harmonic::PlaneBasis& basis) {
  const auto ny = static_cast<std::int64_t>(basis.ny()), nx = static_cast<std::int64_t>(basis.nx());
  torch::Tensor maps = torch::empty({1, channels, ny, nx}, torch::kFloat);
  TESSERA_REQUIRE(static_cast<std::int64_t>(values.size()) == maps.numel());
  std::transform(values.begin(), values.end(), maps.data_ptr<float>(),
                 [](double value) { return static_cast<float>(value); });
  return maps;
}

torch::Tensor turned(torch::Tensor maps, int symmetry) {
  if ((symmetry & 4) != 0) maps = maps.transpose(2, 3);
  if ((symmetry & 2) != 0) maps = maps.flip(2);
  if ((symmetry & 1) != 0) maps = maps.flip(3);
  return maps.contiguous();
}

std::int64_t halo_of(const NetworkShape& shape) {
  return (shape.receptive_radius + shape.alignment - 1) / shape.alignment * shape.alignment;
}

/// Maps of a periodic box with a border of `halo` pixels from the other side.
torch::Tensor bordered(const torch::Tensor& maps, std::int64_t halo) {
  namespace functional = torch::nn::functional;
  return functional::pad(maps, functional::PadFuncOptions({halo, halo, halo, halo}).mode(torch::kCircular));
}

/// The network's output without the halo of its input.
torch::Tensor inner(const torch::Tensor& out, std::int64_t halo) {
  return out.slice(2, halo, out.size(2) - halo).slice(3, halo, out.size(3) - halo);
}

torch::Tensor cut(const torch::Tensor& maps, const Cutout& cutout, std::int64_t halo) {
  torch::Tensor part = maps;
  if (cutout.side > 0) part = maps.roll({-cutout.y, -cutout.x}, {2, 3});
  part = bordered(part, halo);
  if (cutout.side > 0) part = part.slice(2, 0, cutout.side + 2 * halo).slice(3, 0, cutout.side + 2 * halo);
  return turned(part, cutout.symmetry);
}

}  // namespace

Surveyor::Surveyor(const harmonic::PlaneBasis& basis, const theory::PowerSpectrum& spectrum,
                   bool pixel_window, simulate::SurveyPrior prior, std::uint64_t seed,
                   inference::CgOptions cg)
    : basis_(&basis),
      prior_(std::move(prior)),
      seed_(seed),
      cg_(cg),
      shear_(basis),
      signal_(basis, {spectrum}, pixel_window) {}

SurveyedSky Surveyor::survey(std::vector<double> kappa, std::uint32_t realisation,
                             std::optional<simulate::Range> density) const {
  simulate::SurveyPrior prior = prior_;
  if (density) prior.density = *density;
  SurveyedSky sky;
  sky.survey = simulate::observe(*basis_, kappa, prior, seed_, realisation);
  sky.kappa = std::move(kappa);
  sky.wiener = wiener(sky.survey);
  return sky;
}

std::vector<double> Surveyor::wiener(const simulate::MockSurvey& survey) const {
  const std::size_t n = basis_->pixel_count();
  std::vector<double> inverse(2 * n), data = survey.gamma1;
  data.insert(data.end(), survey.gamma2.begin(), survey.gamma2.end());
  for (std::size_t p = 0; p < n; ++p) {
    const double sigma = survey.noise_sigma[p];
    inverse[p] = inverse[n + p] = sigma > 0.0 ? 1.0 / (sigma * sigma) : 0.0;
  }
  const inference::GaussianPosterior posterior(*basis_, shear_, signal_, inverse);
  std::vector<inference::Complex> x(basis_->mode_count());
  static_cast<void>(posterior.mean(data, x, cg_));
  std::vector<double> kappa(n);
  posterior.synthesis(x, kappa);
  return kappa;
}

Example deepmass_example(const harmonic::PlaneBasis& basis, const SurveyedSky& sky, const NetworkShape& shape,
                         const Cutout& cutout) {
  const std::size_t n = basis.pixel_count();
  std::vector<double> inputs(deepmass_inputs * n), target(n), weight(n);
  fill_deepmass_inputs(basis, sky.wiener, sky.survey.noise_sigma, inputs);
  for (std::size_t p = 0; p < n; ++p) {
    target[p] = (sky.kappa[p] - sky.wiener[p]) / deepmass_kappa_unit;
    weight[p] = sky.survey.noise_sigma[p] > 0.0 ? 1.0 : weight_without_data;
  }
  const auto channels = static_cast<std::int64_t>(deepmass_inputs);
  return {cut(as_tensor(inputs, channels, basis), cutout, halo_of(shape)),
          cut(as_tensor(target, 1, basis), cutout, 0), cut(as_tensor(weight, 1, basis), cutout, 0)};
}

LossFunction deepmass_loss(double variance_share) {
  return [variance_share](UNetImpl& network, const Example& example) {
    const torch::Tensor out =
        inner(network.forward(example.inputs), (example.inputs.size(2) - example.target.size(2)) / 2);
    const torch::Tensor weight = example.weight / example.weight.sum();
    const torch::Tensor square = (out.slice(1, 0, 1) - example.target).square();
    const torch::Tensor mean_square = (weight * square).sum();
    const double before = (weight * example.target.square()).sum().item<double>();
    Loss loss{mean_square, mean_square.item<double>() / before};
    if (out.size(1) > 1) {
      const torch::Tensor log_variance = out.slice(1, 1, 2);
      const torch::Tensor surprise = log_variance + square.detach() * torch::exp(-log_variance);
      loss.total = mean_square + variance_share * (weight * surprise).sum();
    }
    return loss;
  };
}

namespace {

/// What is measured of one survey; sums and means over surveys make a HeldOutScore.
enum Column : std::size_t {
  rmse,
  ratio,
  ks_ratio,
  r_wiener,
  r_network,
  power,
  power_wiener,
  within_1,
  within_2,
  z_mean,
  z_square,
  columns
};
using Figures = std::array<double, columns>;

struct Masked {
  std::vector<double> values;  // of the observed pixels, their mean subtracted

  Masked(std::span<const double> map, std::span<const double> noise_sigma) {
    double sum = 0.0;
    for (std::size_t p = 0; p < map.size(); ++p)
      if (noise_sigma[p] > 0.0) {
        values.push_back(map[p]);
        sum += map[p];
      }
    for (double& value : values) value -= sum / static_cast<double>(values.size());
  }
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double pearson(const Masked& a, const Masked& b) {
  return dot(a.values, b.values) / std::sqrt(dot(a.values, a.values) * dot(b.values, b.values));
}

double root_mean_square(std::span<const double> map, const SurveyedSky& sky) {
  double sum = 0.0, count = 0.0;
  for (std::size_t p = 0; p < map.size(); ++p)
    if (sky.survey.noise_sigma[p] > 0.0) {
      sum += (map[p] - sky.kappa[p]) * (map[p] - sky.kappa[p]);
      count += 1.0;
    }
  return std::sqrt(sum / count);
}

/// Power of the observed part of a map between two ell, up to a factor.
double band_power(const harmonic::PlaneBasis& basis, std::span<const double> map, const SurveyedSky& sky) {
  constexpr double low = 1000.0, high = 5000.0;
  std::vector<double> seen(map.begin(), map.end());
  for (std::size_t p = 0; p < seen.size(); ++p)
    if (!(sky.survey.noise_sigma[p] > 0.0)) seen[p] = 0.0;
  std::vector<harmonic::Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(seen, modes);
  for (std::size_t k = 0; k < modes.size(); ++k)
    if (basis.ell()[k] < low || basis.ell()[k] > high) modes[k] = 0.0;
  return basis.dot(harmonic::ConstModes(modes), harmonic::ConstModes(modes));
}

DeepMassMaps evaluate(Network& network, const harmonic::PlaneBasis& basis, const SurveyedSky& sky) {
  const torch::NoGradGuard no_gradients;
  std::vector<double> inputs(deepmass_inputs * basis.pixel_count());
  fill_deepmass_inputs(basis, sky.wiener, sky.survey.noise_sigma, inputs);
  const torch::Tensor maps = as_tensor(inputs, static_cast<std::int64_t>(deepmass_inputs), basis);
  const std::int64_t halo = halo_of(network.shape());
  const torch::Tensor out =
      inner(network.forward(bordered(maps, halo)), halo).contiguous(torch::MemoryFormat::Contiguous);
  return deepmass_maps(sky.wiener,
                       std::vector<double>(out.data_ptr<float>(), out.data_ptr<float>() + out.numel()));
}

Figures figures(Network& network, const harmonic::PlaneBasis& basis, const SurveyedSky& sky) {
  const DeepMassMaps maps = evaluate(network, basis, sky);
  std::vector<double> ks(basis.pixel_count()), ks_b(basis.pixel_count());
  inference::kaiser_squires(basis, sky.survey.gamma1, sky.survey.gamma2, radians_per_arcmin, ks, ks_b);
  const auto& sigma = sky.survey.noise_sigma;
  const Masked truth(sky.kappa, sigma);
  Figures f{};
  f[rmse] = root_mean_square(maps.mean, sky);
  f[ratio] = f[rmse] / root_mean_square(sky.wiener, sky);
  f[ks_ratio] = f[rmse] / root_mean_square(ks, sky);
  f[r_wiener] = pearson(Masked(sky.wiener, sigma), truth);
  f[r_network] = pearson(Masked(maps.mean, sigma), truth);
  const double true_power = band_power(basis, sky.kappa, sky);
  f[power] = band_power(basis, maps.mean, sky) / true_power;
  f[power_wiener] = band_power(basis, sky.wiener, sky) / true_power;
  double pixels = 0.0;
  for (std::size_t p = 0; p < maps.deviation.size(); ++p) {
    if (!(sigma[p] > 0.0)) continue;
    const double z = (sky.kappa[p] - maps.mean[p]) / maps.deviation[p];
    pixels += 1.0;
    f[within_1] += std::abs(z) < 1.0 ? 1.0 : 0.0;
    f[within_2] += std::abs(z) < 2.0 ? 1.0 : 0.0;
    f[z_mean] += z;
    f[z_square] += z * z;
  }
  for (const Column column : {within_1, within_2, z_mean, z_square}) f[column] /= std::max(pixels, 1.0);
  return f;
}

}  // namespace

HeldOutScore score_deepmass(const mpi::Communicator& comm, Network& network, const Surveyor& surveyor,
                            const std::function<std::vector<double>(std::uint64_t)>& sky,
                            std::uint64_t surveys, std::uint32_t first, double density) {
  std::vector<double> all(surveys * columns, 0.0);
  mpi::collectively(comm, [&] {
    for (auto i = static_cast<std::uint64_t>(comm.rank()); i < surveys;
         i += static_cast<std::uint64_t>(comm.size())) {
      const SurveyedSky seen =
          surveyor.survey(sky(i), first + static_cast<std::uint32_t>(i), {{density, density}});
      const Figures f = figures(network, surveyor.basis(), seen);
      std::copy(f.begin(), f.end(), all.begin() + static_cast<std::ptrdiff_t>(i * columns));
    }
  });
  comm.sum(std::span(all));
  const auto n = static_cast<double>(surveys);
  const auto mean = [&](auto value) {
    double sum = 0.0;
    for (std::uint64_t i = 0; i < surveys; ++i) sum += value(all.data() + i * columns);
    return sum / n;
  };
  const auto column = [](Column c) { return [c](const double* f) { return f[c]; }; };
  const auto error = [&](auto value) {
    const double m = mean(value);
    const double square = mean([&](const double* f) { return (value(f) - m) * (value(f) - m); });
    return std::sqrt(square / std::max(n - 1.0, 1.0));
  };
  HeldOutScore s{};
  s.density = density;
  s.surveys = n;
  s.rmse = mean(column(rmse));
  s.rmse_error = error(column(rmse));
  s.ratio = mean(column(ratio));
  s.ratio_error = error(column(ratio));
  s.ks_ratio = mean(column(ks_ratio));
  s.ks_ratio_error = error(column(ks_ratio));
  s.r_wiener = mean(column(r_wiener));
  s.r = mean(column(r_network));
  s.r_gain_error = error([](const double* f) { return f[r_network] - f[r_wiener]; });
  s.power = mean(column(power));
  s.power_wiener = mean(column(power_wiener));
  s.within_1 = mean(column(within_1));
  s.within_2 = mean(column(within_2));
  s.z_deviation = std::sqrt(mean(column(z_square)) - std::pow(mean(column(z_mean)), 2));
  return s;
}

}  // namespace tessera::network
