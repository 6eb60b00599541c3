#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/error.hpp"
#include "harmonic/sphere_basis.hpp"
#include "survey/survey_sky.hpp"

namespace tessera::survey {
namespace {

class SphereSky final : public SurveySky {
 public:
  SphereSky(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax, std::uint64_t tile,
            std::uint64_t least_blocks)
      : basis_(comm, nside, lmax, least_blocks),
        pixels_(basis_.grid(), basis_.rings()),
        tile_(checked_side(tile, 1)) {}

  [[nodiscard]] const harmonic::HarmonicBasis& basis() const override { return basis_; }
  [[nodiscard]] const SkyPixels& pixels() const override { return pixels_; }
  [[nodiscard]] std::uint64_t lmax() const override { return basis_.lmax(); }

  [[nodiscard]] std::vector<double> band_edges() const override {
    std::vector<double> edges{2.0};
    const auto highest = static_cast<double>(basis_.lmax()) + 0.5;
    while (2.0 * edges.back() < highest) edges.push_back(2.0 * edges.back());
    edges.push_back(highest);
    return edges;
  }

  [[nodiscard]] std::string description() const override {
    const double share = static_cast<double>(observed_) / static_cast<double>(basis_.total_pixels());
    constexpr double whole_sky = 41252.96;  // square degrees
    return fmt::format(
        "sphere: nside {}, {:.3g} arcmin a pixel, lmax {}; {} pixels hold data, {:.0f} deg^2 of the sky, in "
        "{} "
        "tiles of {} x {}",
        basis_.grid().nside(), pixel_arcmin(), basis_.lmax(), observed_, share * whole_sky,
        stored_tiles_ ? stored_tiles_->count() : 0, tile_, tile_);
  }
  [[nodiscard]] std::uint64_t ring_blocks() const override { return basis_.rings().blocks(); }

  void set_footprint(ConstPixels observed) override {
    double count = 0.0;
    for (const double value : observed) count += value > 0.0 ? 1.0 : 0.0;
    observed_ = comm().sum(static_cast<std::uint64_t>(count));
    stored_tiles_.emplace(basis_.grid(), tile_, 0, superpixels(tile_, observed));
    to_stored_.emplace(comm(), exchange::sphere_nested_plan(*stored_tiles_, basis_.rings(), comm().rank()),
                       1);
    const std::uint64_t all = tile_ * tile_;
    shape_ = {{stored_tiles_->count() * all},
              stored_tiles_->begin(comm().rank(), comm().size()) * all,
              basis_.grid().nside(),
              all};
    choose_watched(observed);
  }

  [[nodiscard]] exchange::Tiling tiling(const exchange::TileNeeds& needs, ConstPixels where) const override {
    const std::uint64_t side = checked_side(std::min(needs.side, basis_.grid().nside()), needs.alignment);
    if (needs.halo > basis_.grid().nside())
      fail("the network reaches {} pixels, farther than a face of nside {}; use finer pixels", needs.halo,
           basis_.grid().nside());
    return exchange::sphere_tiling(SphereTiles(basis_.grid(), side, needs.halo, superpixels(side, where)),
                                   basis_.rings(), comm().rank(), needs.distortion);
  }

  [[nodiscard]] const io::MapShape& shape() const override {
    TESSERA_REQUIRE(stored_tiles_.has_value());
    return shape_;
  }

  [[nodiscard]] std::vector<double> stored(ConstPixels map) const override {
    TESSERA_REQUIRE(to_stored_.has_value());
    std::vector<double> part(to_stored_->plan().wanted());
    to_stored_->start(map);
    to_stored_->finish(part);
    return part;
  }

  void describe(io::MapWriter& writer) const override {
    std::vector<std::int64_t> numbers;
    for (std::uint64_t tile = stored_tiles_->begin(comm().rank(), comm().size());
         tile < stored_tiles_->end(comm().rank(), comm().size()); ++tile)
      for (std::uint64_t i = 0; i < tile_ * tile_; ++i)
        numbers.push_back(static_cast<std::int64_t>(stored_tiles_->first_pixel(tile) + i));
    writer.write_healpix(shape(), numbers, tile_);
  }

  [[nodiscard]] SkyPosition position(std::size_t pixel) const override {
    return basis_.grid().centre(number(pixel));
  }
  [[nodiscard]] std::uint64_t number(std::size_t pixel) const override {
    return basis_.grid().nested_index(basis_.rings().ring_index(basis_.first_pixel() + pixel));
  }
  [[nodiscard]] bool is_inner(std::size_t /*pixel*/) const override { return true; }

  [[nodiscard]] std::vector<std::size_t> spaced(double distance) const override {
    std::uint64_t stride = 1;
    while (static_cast<double>(stride) * basis_.grid().pixel_radians() < distance &&
           stride < basis_.grid().nside())
      stride *= 2;
    std::vector<std::size_t> pixels;
    for (std::size_t p = 0; p < basis_.pixel_count(); ++p) {
      const HealpixGrid::Place at = basis_.grid().place(number(p));
      if (at.x % stride == stride / 2 && at.y % stride == stride / 2) pixels.push_back(p);
    }
    return pixels;
  }

 private:
  [[nodiscard]] std::uint64_t checked_side(std::uint64_t side, std::uint64_t unit) const {
    if (side == 0 || (side & (side - 1)) != 0 || side > basis_.grid().nside() || side % unit != 0)
      fail("--tile {} does not suit the sphere: give a power of two from {} to nside {}", side, unit,
           basis_.grid().nside());
    return side;
  }

  /// Superpixels that hold a pixel where the map is above zero. Collective.
  [[nodiscard]] std::vector<std::uint64_t> superpixels(std::uint64_t side, ConstPixels where) const {
    TESSERA_REQUIRE(where.size() == basis_.pixel_count());
    std::vector<std::uint64_t> holds(basis_.grid().pixels() / (side * side));
    for (std::size_t p = 0; p < where.size(); ++p)
      if (where[p] > 0.0) holds[number(p) / (side * side)] = 1;
    comm().sum(std::span(holds));
    std::vector<std::uint64_t> wanted;
    for (std::uint64_t s = 0; s < holds.size(); ++s)
      if (holds[s] > 0) wanted.push_back(s);
    return wanted;
  }

  /// Observed pixels at equal steps of their storage order.
  void choose_watched(ConstPixels observed) {
    std::vector<std::uint64_t> places(watched_places);
    std::uint64_t before = 0, count = 0;
    for (const double value : observed) count += value > 0.0 ? 1 : 0;
    before = comm().exclusive_scan(count);
    for (std::size_t p = 0; p < observed.size(); ++p) {
      if (!(observed[p] > 0.0)) continue;
      for (std::size_t i = 0; i < watched_places; ++i)
        if (before == (2 * i + 1) * observed_ / (2 * watched_places)) places[i] = basis_.first_pixel() + p;
      ++before;
    }
    comm().sum(std::span(places));  // one rank found each
    watch(std::move(places));
  }

  harmonic::SphereBasis basis_;
  SpherePixels pixels_;
  std::uint64_t tile_, observed_ = 0;
  std::optional<SphereTiles> stored_tiles_;
  mutable std::optional<exchange::Exchanger> to_stored_;
  io::MapShape shape_;
};

}  // namespace

std::unique_ptr<SurveySky> sphere_sky(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
                                      std::uint64_t tile, std::uint64_t least_blocks) {
  return std::make_unique<SphereSky>(comm, nside, lmax, tile, least_blocks);
}

}  // namespace tessera::survey
