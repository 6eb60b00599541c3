#include "network/score_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "inference/signal_covariance.hpp"
#include "mpi/agreement.hpp"
#include "network/map_tensors.hpp"
#include "network/score.hpp"
#include "network/tiled_network.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "statistics/mean_error.hpp"

namespace tessera::network {
namespace {

/// Mean over pixels of the variance that the Gaussian prior leaves.
double variance_left(const harmonic::HarmonicBasis& basis, const std::vector<double>& spectrum,
                     double sigma) {
  std::vector<harmonic::Complex> root(spectrum.size());
  for (std::size_t k = 0; k < root.size(); ++k)
    root[k] = std::sqrt(posterior::gaussian_rest(spectrum[k], sigma));
  return basis.dot(harmonic::ConstModes(root), harmonic::ConstModes(root)) /
         static_cast<double>(basis.total_pixels());
}

/// Power of the error of kappa, a map, over the variance that the Gaussian prior leaves, in bands and in all
/// modes.
std::vector<double> band_ratios(const harmonic::HarmonicBasis& basis, const std::vector<double>& spectrum,
                                std::span<const double> error, double sigma,
                                const std::vector<double>& edges) {
  std::vector<harmonic::Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(error, modes);
  const auto ell = basis.ell();
  const auto ratio = [&](double low, double high) {
    std::vector<harmonic::Complex> found(modes.size()), expected(modes.size());
    for (std::size_t k = 0; k < modes.size(); ++k) {
      if (ell[k] < low || ell[k] >= high) continue;
      found[k] = modes[k] * std::sqrt(basis.pixel_area());
      expected[k] = std::sqrt(posterior::gaussian_rest(spectrum[k], sigma));
    }
    return basis.dot(harmonic::ConstModes(found), harmonic::ConstModes(found)) /
           basis.dot(harmonic::ConstModes(expected), harmonic::ConstModes(expected));
  };
  std::vector<double> ratios;
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) ratios.push_back(ratio(edges[b], edges[b + 1]));
  ratios.push_back(ratio(std::numeric_limits<double>::min(), std::numeric_limits<double>::infinity()));
  return ratios;
}

}  // namespace

Denoising::Denoising(const harmonic::PlaneBasis& basis, const theory::PowerSpectrum& spectrum,
                     bool pixel_window, double high_pass)
    : basis_(&basis),
      spectrum_(
          posterior::pixel_spectrum(basis, inference::SignalCovariance(basis, {spectrum}, pixel_window))) {
  TESSERA_REQUIRE(basis.comm().size() == 1);
  // The basis stores columns of modes, [nx / 2 + 1][ny].
  const auto ny = static_cast<std::int64_t>(basis.ny()), nx = static_cast<std::int64_t>(basis.nx());
  const auto tabulated = [&](std::vector<double>& values) {
    return torch::from_blob(values.data(), {nx / 2 + 1, ny}, torch::kDouble)
        .t()
        .contiguous()
        .to(torch::kFloat);
  };
  table_ = tabulated(spectrum_);
  std::vector<double> share(spectrum_.size());
  for (std::size_t k = 0; k < share.size(); ++k) share[k] = high_passed(basis.ell()[k], high_pass);
  share_ = tabulated(share);
}

double Denoising::gaussian_variance(double sigma) const { return variance_left(*basis_, spectrum_, sigma); }

Example Denoising::example(std::vector<double> kappa, double sigma, const RandomStream& noise,
                           const NetworkShape& shape, int symmetry) const {
  const std::size_t n = basis_->pixel_count();
  TESSERA_REQUIRE(kappa.size() == n && (symmetry < 4 || basis_->nx() == basis_->ny()));
  std::vector<double> noisy(n), gaussian(n), inputs(score_inputs * n);
  basis_->white_noise(noise, harmonic::Pixels(noisy));
  for (std::size_t p = 0; p < n; ++p) noisy[p] = kappa[p] + sigma * noisy[p];
  // The mean is not measured and has no prior.
  for (std::vector<double>* map : {&kappa, &noisy}) {
    const double mean = std::accumulate(map->begin(), map->end(), 0.0) / static_cast<double>(n);
    for (double& value : *map) value -= mean;
  }
  std::vector<harmonic::Complex> modes(basis_->mode_count());
  basis_->synthesis_adjoint(noisy, modes);
  for (std::size_t k = 0; k < modes.size(); ++k)
    modes[k] *= basis_->pixel_area() * posterior::gaussian_gain(spectrum_[k], sigma);
  basis_->synthesis(modes, gaussian);
  fill_score_inputs(noisy, gaussian, sigma, inputs);
  for (std::size_t p = 0; p < n; ++p) kappa[p] -= gaussian[p];
  const torch::Tensor maps = turned(as_tensor(inputs, score_inputs, *basis_), symmetry);
  return {bordered(maps, shape.halo()), turned(as_tensor(kappa, 1, *basis_), symmetry), {}, sigma};
}

torch::Tensor Denoising::rest(Network& network, const Example& example) const {
  const torch::Tensor white = inner(network.forward(example.inputs, score_condition(example.sigma)),
                                    (example.inputs.size(2) - example.target.size(2)) / 2);
  const double variance = example.sigma * example.sigma;
  const torch::Tensor unit = share_ * variance / torch::sqrt(table_ + variance);
  const torch::Tensor modes = torch::fft::rfft2(white);
  return example.target - torch::fft::irfft2(modes * unit, {{white.size(2), white.size(3)}});
}

LossFunction Denoising::loss() const {
  return [this](UNetImpl& network, const Example& example) {
    const torch::Tensor ratio = rest(network, example).square().mean() / gaussian_variance(example.sigma);
    return Loss{ratio, ratio.item<double>()};
  };
}

std::vector<double> Denoising::error_ratio(Network& network, const Example& example,
                                           const std::vector<double>& edges) const {
  const torch::NoGradGuard no_gradients;
  const torch::Tensor error = rest(network, example).to(torch::kDouble).contiguous();
  return band_ratios(*basis_, spectrum_, {error.data_ptr<double>(), static_cast<std::size_t>(error.numel())},
                     example.sigma, edges);
}

namespace {

// The network's output ends at the tile; so far from its border the filter does not feel it.
constexpr std::int64_t filter_margin = 16;

}  // namespace

SphereDenoising::SphereDenoising(const harmonic::SphereBasis& basis, const theory::PowerSpectrum& spectrum,
                                 bool pixel_window, double high_pass, std::uint64_t side,
                                 const NetworkShape& shape)
    : basis_(&basis),
      spectrum_(
          posterior::pixel_spectrum(basis, inference::SignalCovariance(basis, {spectrum}, pixel_window))),
      share_(spectrum_.size()),
      distortion_(distortion_channels(shape, score_inputs) > 0),
      windows_(basis, side, static_cast<std::uint64_t>(shape.halo())),
      map_(basis.pixel_count()),
      modes_(basis.mode_count()) {
  TESSERA_REQUIRE(static_cast<std::int64_t>(side) > 4 * filter_margin);
  for (std::size_t k = 0; k < share_.size(); ++k)
    share_[k] = basis.pixel_area() * high_passed(basis.ell()[k], high_pass);
}

SphereDenoising::NoisySky SphereDenoising::blurred(harmonic::ConstModes kappa, double sigma,
                                                   const RandomStream& noise) const {
  const std::size_t n = basis_->pixel_count();
  NoisySky sky{sigma, std::vector<double>(score_inputs * n), std::vector<double>(n)};
  std::vector<double> noisy(n), gaussian(n);
  basis_->white_noise(noise, harmonic::Modes(modes_));
  const double rms = sigma * std::sqrt(basis_->pixel_area());
  for (std::size_t k = 0; k < modes_.size(); ++k) modes_[k] = kappa[k] + rms * modes_[k];
  basis_->synthesis(modes_, noisy);
  for (std::size_t k = 0; k < modes_.size(); ++k) modes_[k] *= posterior::gaussian_gain(spectrum_[k], sigma);
  basis_->synthesis(modes_, gaussian);
  fill_score_inputs(noisy, gaussian, sigma, sky.inputs);
  for (std::size_t k = 0; k < modes_.size(); ++k) modes_[k] = kappa[k] - modes_[k];
  basis_->synthesis(modes_, sky.rest);
  return sky;
}

Example SphereDenoising::example(const NoisySky& sky, std::uint64_t tile) const {
  return {windows_.window(sky.inputs, tile, distortion_), windows_.core(sky.rest, tile), {}, sky.sigma, tile};
}

void SphereDenoising::filter(std::span<double> map, double sigma) const {
  basis_->synthesis_adjoint(map, modes_);
  for (std::size_t k = 0; k < modes_.size(); ++k)
    modes_[k] *= share_[k] * posterior::residual_unit(spectrum_[k], sigma);
  basis_->synthesis(modes_, map);
}

torch::Tensor SphereDenoising::filtered(const torch::Tensor& white, const Example& example) const {
  std::fill(map_.begin(), map_.end(), 0.0);
  const torch::Tensor values = white.to(torch::kDouble).contiguous(torch::MemoryFormat::Contiguous);
  windows_.put({values.data_ptr<double>(), static_cast<std::size_t>(values.numel())}, example.tile, map_);
  filter(map_, example.sigma);
  return windows_.core(map_, example.tile);
}

LossFunction SphereDenoising::loss() const {
  return [this](UNetImpl& network, const Example& example) {
    const std::int64_t halo = windows_.halo(), side = windows_.side(), margin = filter_margin;
    const torch::Tensor white = inner(network.forward(example.inputs, score_condition(example.sigma)), halo);
    const auto inside = [&](const torch::Tensor& map) {
      return map.slice(2, margin, side - margin).slice(3, margin, side - margin);
    };
    const double unit = variance_left(*basis_, spectrum_, example.sigma) *
                        static_cast<double>((side - 2 * margin) * (side - 2 * margin));
    torch::Tensor error;
    {
      const torch::NoGradGuard guard;
      error = torch::zeros_like(example.target);
      inside(error).copy_(inside(example.target) - inside(filtered(white.detach(), example)));
    }
    const double ratio = error.square().sum().item<double>() / unit;
    // The filter is linear and symmetric: the loss has the gradient of this product, whose value is moved to
    // its own.
    const torch::Tensor slope = torch::GradMode::is_enabled() ? filtered(error, example) : error;
    const torch::Tensor product = (-2.0 / unit) * (white * slope).sum();
    return Loss{product - product.detach() + ratio, ratio};
  };
}

std::vector<double> SphereDenoising::error_ratio(const std::shared_ptr<Network>& network, const NoisySky& sky,
                                                 const std::vector<double>& edges) const {
  const std::size_t n = basis_->pixel_count();
  std::vector<double> error(n, 0.0);
  const torch::NoGradGuard no_gradients;
  for (std::uint64_t tile = 0; tile < windows_.count(); ++tile) {
    const torch::Tensor white =
        inner(network->forward(windows_.window(sky.inputs, tile, distortion_), score_condition(sky.sigma)),
              windows_.halo())
            .to(torch::kDouble)
            .contiguous(torch::MemoryFormat::Contiguous);
    windows_.put({white.data_ptr<double>(), static_cast<std::size_t>(white.numel())}, tile, error);
  }
  filter(error, sky.sigma);
  for (std::size_t p = 0; p < n; ++p) error[p] = sky.rest[p] - error[p];
  return band_ratios(*basis_, spectrum_, error, sky.sigma, edges);
}

std::vector<double> level_figures(const Denoising& denoising, Network& network, std::vector<double> kappa,
                                  double sigma, const RandomStream& noise, const std::vector<double>& edges) {
  const Example example = denoising.example(std::move(kappa), sigma, noise, network.shape(), 0);
  std::vector<double> row = denoising.error_ratio(network, example, edges);
  for (std::size_t input = 0; input < score_inputs; ++input) {
    const torch::Tensor map = example.inputs.select(1, static_cast<std::int64_t>(input));
    row.insert(row.end(), {map.min().item<double>(), map.max().item<double>()});
  }
  return row;
}

std::vector<double> level_figures(const SphereDenoising& denoising, const std::shared_ptr<Network>& network,
                                  harmonic::ConstModes kappa, double sigma, const RandomStream& noise,
                                  const std::vector<double>& edges) {
  const SphereDenoising::NoisySky sky = denoising.blurred(kappa, sigma, noise);
  std::vector<double> row = denoising.error_ratio(network, sky, edges);
  const std::size_t n = sky.rest.size();
  for (std::size_t input = 0; input < score_inputs; ++input) {
    const auto [low, high] =
        std::minmax_element(sky.inputs.begin() + static_cast<std::ptrdiff_t>(input * n),
                            sky.inputs.begin() + static_cast<std::ptrdiff_t>((input + 1) * n));
    row.insert(row.end(), {*low, *high});
  }
  return row;
}

std::vector<NoiseLevel> score_levels(const mpi::Communicator& comm, const LevelFigures& figures,
                                     std::uint64_t skies, std::uint32_t first,
                                     const std::vector<double>& sigmas, std::size_t bands, std::uint64_t seed,
                                     const std::function<void()>& after_round) {
  const std::size_t ratios = bands + 1, columns = ratios + 2 * score_inputs;
  std::vector<double> all(sigmas.size() * skies * columns, 0.0);
  const auto score = [&](std::uint64_t i) {
    for (std::size_t l = 0; l < sigmas.size(); ++l) {
      const auto realisation = first + static_cast<std::uint32_t>(l * skies + i);
      const std::vector<double> row =
          figures(i, sigmas[l], RandomStream(seed, Purpose::score_noise, realisation));
      std::copy(row.begin(), row.end(), all.begin() + static_cast<std::ptrdiff_t>((l * skies + i) * columns));
    }
  };
  mpi::deal_out(comm, skies, score, after_round);
  comm.sum(std::span(all));
  std::vector<NoiseLevel> levels;
  for (std::size_t l = 0; l < sigmas.size(); ++l) {
    const auto column = [&](std::size_t c) {
      std::vector<double> values;
      for (std::uint64_t i = 0; i < skies; ++i) values.push_back(all[(l * skies + i) * columns + c]);
      return statistics::mean_error(values);
    };
    const statistics::MeanError whole = column(ratios - 1);
    levels.push_back({sigmas[l], whole.mean, whole.error, {}, {}, {}});
    for (std::size_t b = 0; b < bands; ++b) levels.back().variance_ratio.push_back(column(b).mean);
    for (std::size_t c = ratios; c < columns; c += 2) {
      levels.back().lowest.push_back(column(c).mean);
      levels.back().highest.push_back(column(c + 1).mean);
    }
  }
  return levels;
}

}  // namespace tessera::network
