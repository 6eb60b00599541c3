#include "inference/tile_wiener.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "exchange/tile_exchange.hpp"
#include "inference/wiener_map.hpp"
#include "mpi/agreement.hpp"

namespace tessera::inference {
namespace {

/// The weight of a tile [begin, end) of a field of `size` pixels along one axis, at pixel i, which may lie
/// outside the tile.
double tile_weight(double i, std::uint64_t begin, std::uint64_t end, std::uint64_t size, double blend) {
  const auto rise = [blend](double distance) {  // from the border into the tile
    const double t =
        blend > 0.0 ? std::clamp(0.5 + distance / blend, 0.0, 1.0) : (distance > 0.0 ? 1.0 : 0.0);
    return t * t * (3.0 - 2.0 * t);
  };
  double weight = 1.0;
  if (begin > 0) weight *= rise(i + 0.5 - static_cast<double>(begin));
  if (end < size) weight *= rise(static_cast<double>(end) - i - 0.5);
  return weight;
}

}  // namespace

TileWiener::TileWiener(const mpi::Communicator& comm, const PlaneTiles& tiles, std::uint64_t blend,
                       double pixel, theory::PowerSpectrum spectrum, bool pixel_window)
    : comm_(&comm),
      alone_(comm.split(comm.rank())),
      tiles_(tiles),
      blend_(blend),
      pixel_(pixel),
      spectrum_(std::move(spectrum)),
      pixel_window_(pixel_window) {
  TESSERA_REQUIRE(blend <= std::min(tiles.shape().width, tiles.shape().height) && blend <= 2 * tiles.halo());
}

void TileWiener::weigh(std::uint64_t tile, std::span<double> map) const {
  const TileWindow window = tiles_.window(tile);
  const PlaneTiles::Core core = tiles_.core(tile);
  const auto blend = static_cast<double>(blend_);
  const auto along = [blend](std::int64_t first, std::uint64_t length, std::uint64_t begin,
                             std::uint64_t width, std::uint64_t size) {
    std::vector<double> weights(length, 0.0);
    for (std::uint64_t i = 0; i < length; ++i) {
      const std::int64_t place = first + static_cast<std::int64_t>(i);
      if (place >= 0 && place < static_cast<std::int64_t>(size))
        weights[i] = tile_weight(static_cast<double>(place), begin, begin + width, size, blend);
    }
    return weights;
  };
  const auto in_x = along(window.x, window.width, core.x, core.width, tiles_.field_nx());
  const auto in_y = along(window.y, window.height, core.y, core.height, tiles_.field_ny());
  for (std::uint64_t y = 0; y < window.height; ++y)
    for (std::uint64_t x = 0; x < window.width; ++x) map[y * window.width + x] *= in_y[y] * in_x[x];
}

const TileWiener::Prepared& TileWiener::prepared(const TileWindow& window) {
  auto& entry = by_size_[{window.width, window.height}];
  if (!entry)
    entry = std::make_unique<Prepared>(alone_, PaddedBox{window.width, window.height}, pixel_, spectrum_,
                                       pixel_window_);
  return *entry;
}

std::vector<double> TileWiener::filter_window(const Prepared& prepared, std::span<const double> gamma1,
                                              std::span<const double> gamma2,
                                              std::span<const double> noise_sigma, const CgOptions& options,
                                              Result& result) {
  const bool observed = std::any_of(noise_sigma.begin(), noise_sigma.end(), [](double s) { return s > 0.0; });
  std::vector<double> nothing(noise_sigma.size(), 0.0);
  if (!observed) return nothing;
  const std::vector<double> information = shear_information(noise_sigma);
  const GaussianPosterior posterior(prepared.basis, prepared.shear, prepared.signal, information);
  WienerMap map = wiener_map(prepared.basis, posterior, gamma1, gamma2, options);
  result.converged &= map.report.converged;
  result.iterations = std::max(result.iterations, map.report.iterations());
  return std::move(map.kappa);
}

TileWiener::Result TileWiener::filter(std::span<const double> gamma1, std::span<const double> gamma2,
                                      std::span<const double> noise_sigma, const CgOptions& options,
                                      std::size_t more, const Continuation& continuation,
                                      const std::function<void(double)>& observe) {
  constexpr std::size_t inputs = 3;
  const exchange::ExchangePlan plan = exchange::plane_tile_plan(tiles_, comm_->rank(), comm_->size());
  exchange::Exchanger to_tiles(*comm_, plan, inputs), to_rows(*comm_, plan, 1 + more);
  const std::uint64_t wanted = plan.wanted();
  std::vector<double> rows, windows(inputs * wanted), weighed((1 + more) * wanted);
  for (const auto& map : {gamma1, gamma2, noise_sigma}) rows.insert(rows.end(), map.begin(), map.end());
  to_tiles.start(rows);
  to_tiles.finish(windows);
  Result result;
  mpi::collectively(*comm_, [&] {
    const std::uint64_t begin = tiles_.begin(comm_->rank(), comm_->size());
    const std::uint64_t end = tiles_.end(comm_->rank(), comm_->size());
    std::uint64_t window_begin = 0;
    for (std::uint64_t tile = begin; tile < end; ++tile) {
      const TileWindow window = tiles_.window(tile);
      const std::uint64_t pixels = window.width * window.height;
      const auto input = [&](std::size_t i) {
        return std::span<const double>(windows).subspan(i * wanted + window_begin, pixels);
      };
      const Prepared& ready = prepared(window);
      std::vector<std::vector<double>> maps{
          filter_window(ready, input(0), input(1), input(2), options, result)};
      if (more > 0)
        for (auto& map : continuation({ready.basis, maps[0], input(2)})) maps.push_back(std::move(map));
      TESSERA_REQUIRE(maps.size() == 1 + more);
      for (std::size_t m = 0; m < maps.size(); ++m) {
        weigh(tile, maps[m]);
        std::copy(maps[m].begin(), maps[m].end(),
                  weighed.begin() + static_cast<std::ptrdiff_t>(m * wanted + window_begin));
      }
      window_begin += pixels;
      if (observe) observe(static_cast<double>(tile - begin + 1) / static_cast<double>(end - begin));
    }
  });
  result.converged = comm_->min(static_cast<int>(result.converged)) != 0;
  result.iterations = comm_->max(result.iterations);
  const std::size_t local = noise_sigma.size();
  std::vector<double> sums((1 + more) * local);
  to_rows.adjoint(weighed, sums);
  for (std::size_t m = 0; m <= more; ++m)
    result.maps.emplace_back(sums.begin() + static_cast<std::ptrdiff_t>(m * local),
                             sums.begin() + static_cast<std::ptrdiff_t>((m + 1) * local));
  return result;
}

}  // namespace tessera::inference
