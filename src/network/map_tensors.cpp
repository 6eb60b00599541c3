#include "network/map_tensors.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace tessera::network {

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

torch::Tensor bordered(const torch::Tensor& maps, std::int64_t halo) {
  namespace functional = torch::nn::functional;
  return functional::pad(maps, functional::PadFuncOptions({halo, halo, halo, halo}).mode(torch::kCircular));
}

torch::Tensor inner(const torch::Tensor& out, std::int64_t halo) {
  return out.slice(2, halo, out.size(2) - halo).slice(3, halo, out.size(3) - halo);
}

}  // namespace tessera::network
