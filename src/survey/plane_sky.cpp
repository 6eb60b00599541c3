#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "harmonic/plane_basis.hpp"
#include "survey/survey_sky.hpp"

namespace tessera::survey {
namespace {

class PlaneSky final : public SurveySky {
 public:
  PlaneSky(const mpi::Communicator& comm, const PlaneGrid& field, PaddedBox box)
      : field_(field),
        box_(box),
        basis_(comm, box, field.pixel_radians()),
        pixels_(field, box, comm.size()),
        // A rank without rows of the field stands behind it.
        shape_{{field.ny(), field.nx()}, std::min(basis_.first_row(), field.ny())} {
    // A square of places over the field.
    constexpr std::uint64_t per_side = 4;
    std::vector<std::uint64_t> places;
    for (std::uint64_t j = 0; j < per_side; ++j)
      for (std::uint64_t i = 0; i < per_side; ++i)
        places.push_back((2 * j + 1) * field.ny() / (2 * per_side) * box.nx +
                         (2 * i + 1) * field.nx() / (2 * per_side));
    watch(std::move(places));
  }

  [[nodiscard]] const harmonic::HarmonicBasis& basis() const override { return basis_; }
  [[nodiscard]] const SkyPixels& pixels() const override { return pixels_; }
  [[nodiscard]] std::uint64_t lmax() const override { return 0; }

  [[nodiscard]] std::vector<double> band_edges() const override {
    const double side = field_.pixel_radians() * static_cast<double>(std::max(field_.nx(), field_.ny()));
    const double highest = std::numbers::pi / field_.pixel_radians();
    std::vector<double> edges{2.0 * std::numbers::pi / side};
    while (2.0 * edges.back() < highest) edges.push_back(2.0 * edges.back());
    edges.push_back(highest);
    return edges;
  }

  [[nodiscard]] std::string description() const override {
    return fmt::format("field: {} x {} pixels of {} arcmin about RA {:.5f}, Dec {:.5f}; periodic box {} x {}",
                       field_.nx(), field_.ny(), field_.pixel_arcmin(), field_.centre().ra,
                       field_.centre().dec, box_.nx, box_.ny);
  }
  [[nodiscard]] std::uint64_t ring_blocks() const override { return 0; }

  void set_footprint(ConstPixels /*observed*/) override {}

  [[nodiscard]] exchange::Tiling tiling(const exchange::TileNeeds& needs,
                                        ConstPixels /*where*/) const override {
    return exchange::plane_tiling(field_.nx(), field_.ny(), box_, needs, comm().rank(), comm().size());
  }

  [[nodiscard]] const io::MapShape& shape() const override { return shape_; }

  [[nodiscard]] std::vector<double> stored(ConstPixels map) const override {
    std::vector<double> part;
    const std::uint64_t first = basis_.first_row();
    for (std::uint64_t row = first; row < std::min(first + basis_.local_rows(), field_.ny()); ++row) {
      const auto line = map.subspan((row - first) * box_.nx, field_.nx());
      part.insert(part.end(), line.begin(), line.end());
    }
    return part;
  }

  void describe(io::MapWriter& writer) const override { writer.write_wcs(field_); }

  [[nodiscard]] SkyPosition position(std::size_t pixel) const override {
    const auto [x, y] = place(pixel);
    return field_.deproject({static_cast<double>(x), static_cast<double>(y)});
  }
  [[nodiscard]] std::uint64_t number(std::size_t pixel) const override {
    const auto [x, y] = place(pixel);
    return y * field_.nx() + x;
  }
  [[nodiscard]] bool is_inner(std::size_t pixel) const override {
    const auto [x, y] = place(pixel);
    return x > 0 && y > 0 && x + 1 < field_.nx() && y + 1 < field_.ny();
  }

  [[nodiscard]] std::vector<std::size_t> spaced(double distance) const override {
    const auto stride = static_cast<std::uint64_t>(std::ceil(distance / field_.pixel_radians()));
    std::vector<std::size_t> pixels;
    for (std::size_t p = 0; p < basis_.pixel_count(); ++p) {
      const auto [x, y] = place(p);
      if (x < field_.nx() && y < field_.ny() && x % stride == stride / 2 && y % stride == stride / 2)
        pixels.push_back(p);
    }
    return pixels;
  }

 private:
  struct Place {
    std::uint64_t x, y;
  };
  [[nodiscard]] Place place(std::size_t pixel) const {
    const std::uint64_t global = basis_.first_pixel() + pixel;
    return {global % box_.nx, global / box_.nx};
  }

  PlaneGrid field_;
  PaddedBox box_;
  harmonic::PlaneBasis basis_;
  PlanePixels pixels_;
  io::MapShape shape_;
};

}  // namespace

std::unique_ptr<SurveySky> plane_sky(const mpi::Communicator& comm, const PlaneGrid& field, PaddedBox box) {
  return std::make_unique<PlaneSky>(comm, field, box);
}

}  // namespace tessera::survey
