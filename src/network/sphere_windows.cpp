#include "network/sphere_windows.hpp"

#include "core/error.hpp"
#include "network/tiled_network.hpp"

namespace tessera::network {

SphereWindows::SphereWindows(const harmonic::SphereBasis& basis, std::uint64_t side, std::uint64_t halo)
    : basis_(&basis), tiles_(basis.grid(), side, halo) {
  TESSERA_REQUIRE(basis.comm().size() == 1);
}

std::size_t SphereWindows::place(std::uint64_t tile, std::uint64_t x, std::uint64_t y) const {
  return basis_->rings().storage_index(basis_->grid().ring_index(tiles_.at(tile, x, y).pixel));
}

torch::Tensor SphereWindows::window(std::span<const double> maps, std::uint64_t tile, bool distortion) const {
  const std::size_t pixels = basis_->pixel_count(), count = maps.size() / pixels, width = tiles_.width(),
                    size = width * width;
  const auto n = static_cast<std::int64_t>(width);
  torch::Tensor tensor = torch::empty({1, static_cast<std::int64_t>(count + (distortion ? 2 : 0)), n, n});
  float* const values = tensor.data_ptr<float>();
  for (std::size_t y = 0; y < width; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t from = place(tile, x, y), to = y * width + x;
      for (std::size_t map = 0; map < count; ++map)
        values[map * size + to] = static_cast<float>(maps[map * pixels + from]);
      if (!distortion) continue;
      const HealpixGrid::Distortion here = tiles_.distortion(tile, x, y);
      values[count * size + to] = static_cast<float>(here.plus / distortion_unit);
      values[(count + 1) * size + to] = static_cast<float>(here.cross / distortion_unit);
    }
  return tensor;
}

torch::Tensor SphereWindows::core(std::span<const double> maps, std::uint64_t tile) const {
  const std::size_t pixels = basis_->pixel_count(), count = maps.size() / pixels, n = tiles_.side();
  torch::Tensor tensor = torch::empty({1, static_cast<std::int64_t>(count), side(), side()});
  float* const values = tensor.data_ptr<float>();
  for (std::size_t y = 0; y < n; ++y)
    for (std::size_t x = 0; x < n; ++x) {
      const std::size_t from = place(tile, x + tiles_.halo(), y + tiles_.halo());
      for (std::size_t map = 0; map < count; ++map)
        values[(map * n + y) * n + x] = static_cast<float>(maps[map * pixels + from]);
    }
  return tensor;
}

void SphereWindows::put(std::span<const double> values, std::uint64_t tile, std::span<double> map) const {
  const std::size_t n = tiles_.side();
  TESSERA_REQUIRE(values.size() == n * n && map.size() == basis_->pixel_count());
  for (std::size_t y = 0; y < n; ++y)
    for (std::size_t x = 0; x < n; ++x)
      map[place(tile, x + tiles_.halo(), y + tiles_.halo())] = values[y * n + x];
}

}  // namespace tessera::network
