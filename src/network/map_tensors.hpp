#pragma once

#include <span>
#include <torch/torch.h>

#include "harmonic/plane_basis.hpp"

namespace tessera::network {

/// Maps [channel][ny][nx] of a basis of one rank as a tensor [1][channels][ny][nx], float.
[[nodiscard]] torch::Tensor as_tensor(std::span<const double> values, std::int64_t channels,
                                      const harmonic::PlaneBasis& basis);

/// Maps turned and mirrored by one of the square's symmetries, 0 to 7; from 4 on axes are exchanged.
[[nodiscard]] torch::Tensor turned(torch::Tensor maps, int symmetry);

/// Maps of a periodic box with a border of `halo` pixels from the other side.
[[nodiscard]] torch::Tensor bordered(const torch::Tensor& maps, std::int64_t halo);

/// The network's output without the halo of its input.
[[nodiscard]] torch::Tensor inner(const torch::Tensor& out, std::int64_t halo);

}  // namespace tessera::network
