#include "network/score_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "inference/signal_covariance.hpp"
#include "mpi/agreement.hpp"
#include "network/map_tensors.hpp"
#include "network/score.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "statistics/mean_error.hpp"

namespace tessera::network {

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

double Denoising::gaussian_variance(double sigma) const {
  std::vector<harmonic::Complex> root(spectrum_.size());
  for (std::size_t k = 0; k < root.size(); ++k)
    root[k] = std::sqrt(posterior::gaussian_rest(spectrum_[k], sigma));
  return basis_->dot(harmonic::ConstModes(root), harmonic::ConstModes(root)) /
         static_cast<double>(basis_->total_pixels());
}

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
  std::vector<harmonic::Complex> modes(basis_->mode_count());
  basis_->synthesis_adjoint({error.data_ptr<double>(), static_cast<std::size_t>(error.numel())}, modes);
  const auto ell = basis_->ell();
  const auto ratio = [&](double low, double high) {
    std::vector<harmonic::Complex> found(modes.size()), expected(modes.size());
    for (std::size_t k = 0; k < modes.size(); ++k) {
      if (ell[k] < low || ell[k] >= high) continue;
      found[k] = modes[k] * std::sqrt(basis_->pixel_area());
      expected[k] = std::sqrt(posterior::gaussian_rest(spectrum_[k], example.sigma));
    }
    return basis_->dot(harmonic::ConstModes(found), harmonic::ConstModes(found)) /
           basis_->dot(harmonic::ConstModes(expected), harmonic::ConstModes(expected));
  };
  std::vector<double> ratios;
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) ratios.push_back(ratio(edges[b], edges[b + 1]));
  ratios.push_back(ratio(std::numeric_limits<double>::min(), std::numeric_limits<double>::infinity()));
  return ratios;
}

std::vector<NoiseLevel> score_levels(const mpi::Communicator& comm, Network& network,
                                     const Denoising& denoising,
                                     const std::function<std::vector<double>(std::uint64_t)>& sky,
                                     std::uint64_t skies, std::uint32_t first,
                                     const std::vector<double>& sigmas, const std::vector<double>& edges,
                                     std::uint64_t seed) {
  // Of a sky and level: error ratios, then the extremes of the inputs.
  const std::size_t ratios = edges.size(), columns = ratios + 2 * score_inputs;
  std::vector<double> all(sigmas.size() * skies * columns, 0.0);
  mpi::collectively(comm, [&] {
    for (auto i = static_cast<std::uint64_t>(comm.rank()); i < skies;
         i += static_cast<std::uint64_t>(comm.size())) {
      const std::vector<double> kappa = sky(i);
      for (std::size_t l = 0; l < sigmas.size(); ++l) {
        const auto realisation = first + static_cast<std::uint32_t>(l * skies + i);
        const RandomStream noise(seed, Purpose::score_noise, realisation);
        const Example example = denoising.example(kappa, sigmas[l], noise, network.shape(), 0);
        std::vector<double> row = denoising.error_ratio(network, example, edges);
        for (std::size_t input = 0; input < score_inputs; ++input) {
          const torch::Tensor map = example.inputs.select(1, static_cast<std::int64_t>(input));
          row.insert(row.end(), {map.min().item<double>(), map.max().item<double>()});
        }
        std::copy(row.begin(), row.end(),
                  all.begin() + static_cast<std::ptrdiff_t>((l * skies + i) * columns));
      }
    }
  });
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
    for (std::size_t b = 0; b + 1 < edges.size(); ++b) levels.back().variance_ratio.push_back(column(b).mean);
    for (std::size_t c = ratios; c < columns; c += 2) {
      levels.back().lowest.push_back(column(c).mean);
      levels.back().highest.push_back(column(c + 1).mean);
    }
  }
  return levels;
}

}  // namespace tessera::network
