#include "simulate/survey_mask.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"

namespace tessera::simulate {
namespace {

class FullMask final : public SurveyMask {
 public:
  [[nodiscard]] bool observes(PixelPosition /*position*/) const override { return true; }
};

class MapMask final : public SurveyMask {
 public:
  MapMask(const PlaneGrid& field, std::vector<double> map)
      : nx_(field.nx()), ny_(field.ny()), map_(std::move(map)) {
    TESSERA_REQUIRE(map_.size() == nx_ * ny_);
  }
  [[nodiscard]] bool observes(PixelPosition position) const override {
    const double i = std::floor(position.x + 0.5);
    const double j = std::floor(position.y + 0.5);
    if (i < 0.0 || j < 0.0 || i >= static_cast<double>(nx_) || j >= static_cast<double>(ny_)) return false;
    return map_[static_cast<std::size_t>(j) * nx_ + static_cast<std::size_t>(i)] > 0.5;
  }

 private:
  std::uint64_t nx_, ny_;
  std::vector<double> map_;
};

/// Holes around bright stars, whose number above a radius r falls as r^-slope.
class StarryMask final : public SurveyMask {
 public:
  StarryMask(const PlaneGrid& field, std::uint64_t seed)
      : cell_(max_radius / field.pixel_arcmin()),
        columns_(cells(field.nx())),
        rows_(cells(field.ny())),
        in_cell_(columns_ * rows_) {
    const auto nx = static_cast<double>(field.nx()), ny = static_cast<double>(field.ny());
    const double pixel = field.pixel_arcmin();
    const RandomStream stream(seed, Purpose::star_mask);
    const auto count = stream.poisson(stars_per_arcmin2 * nx * ny * pixel * pixel, 0);
    for (std::uint64_t star = 1; star <= count; ++star) {
      const auto place = stream.uniforms(star, 1);
      const double u = stream.uniforms(star, 2)[0];
      const double radius = std::min(max_radius, min_radius * std::pow(u, -1.0 / radius_slope));
      add({{place[0] * nx - 0.5, place[1] * ny - 0.5}, radius / pixel});
    }
  }

  [[nodiscard]] bool observes(PixelPosition position) const override {
    const auto& near = in_cell_[row(position.y) * columns_ + column(position.x)];
    return std::none_of(near.begin(), near.end(), [&](const Star& star) {
      return std::hypot(position.x - star.place.x, position.y - star.place.y) < star.radius;
    });
  }

 private:
  static constexpr double stars_per_arcmin2 = 0.02;
  static constexpr double min_radius = 0.2, max_radius = 2.0;  // arcmin
  static constexpr double radius_slope = 2.0;

  struct Star {
    PixelPosition place;
    double radius;  // pixels
  };

  [[nodiscard]] std::size_t cells(std::uint64_t n) const {
    return static_cast<std::size_t>(static_cast<double>(n) / cell_) + 1;
  }
  [[nodiscard]] std::size_t index(double x, std::size_t count) const {
    return static_cast<std::size_t>(std::clamp(x / cell_, 0.0, static_cast<double>(count - 1)));
  }
  [[nodiscard]] std::size_t column(double x) const { return index(x, columns_); }
  [[nodiscard]] std::size_t row(double y) const { return index(y, rows_); }

  /// To every cell that the star's hole may reach.
  void add(const Star& star) {
    for (std::size_t r = row(star.place.y - star.radius); r <= row(star.place.y + star.radius); ++r)
      for (std::size_t c = column(star.place.x - star.radius); c <= column(star.place.x + star.radius); ++c)
        in_cell_[r * columns_ + c].push_back(star);
  }

  double cell_;  // pixels
  std::size_t columns_, rows_;
  std::vector<std::vector<Star>> in_cell_;
};

class CosmosLikeMask final : public SurveyMask {
 public:
  CosmosLikeMask(const PlaneGrid& field, std::uint64_t seed)
      : middle_{0.5 * static_cast<double>(field.nx() - 1), 0.5 * static_cast<double>(field.ny() - 1)},
        arcmin_(field.pixel_arcmin()),
        step_{width_share * static_cast<double>(field.nx()) * arcmin_ / blocks_across,
              width_share * static_cast<double>(field.ny()) * arcmin_ / blocks_across},
        stars_(field, seed) {}

  [[nodiscard]] bool observes(PixelPosition position) const override {
    const PixelPosition offset{(position.x - middle_.x) * arcmin_, (position.y - middle_.y) * arcmin_};
    return in_a_block(offset) && !in_missing_pointing(offset) && stars_.observes(position);
  }

 private:
  static constexpr int blocks = 5;
  static constexpr double blocks_across = 5.17;  // four steps and one side of a turned block
  static constexpr double width_share = 0.76;
  static constexpr double turn = 0.17;  // radians

  [[nodiscard]] static bool in_turned_box(PixelPosition offset, double half_x, double half_y) {
    const double u = offset.x * std::cos(turn) + offset.y * std::sin(turn);
    const double v = offset.y * std::cos(turn) - offset.x * std::sin(turn);
    return std::abs(u) <= half_x && std::abs(v) <= half_y;
  }

  [[nodiscard]] bool in_a_block(PixelPosition offset) const {
    // A turned block must be this much larger than the step for the mosaic to have no gaps.
    const double side = std::cos(turn) + std::sin(turn);
    constexpr int half = blocks / 2;
    for (int row = -half; row <= half; ++row)
      for (int column = -half; column <= half; ++column) {
        const PixelPosition to_block{offset.x - column * step_.x, offset.y - row * step_.y};
        if (in_turned_box(to_block, 0.5 * side * step_.x, 0.5 * side * step_.y)) return true;
      }
    return false;
  }

  [[nodiscard]] bool in_missing_pointing(PixelPosition offset) const {
    return in_turned_box({offset.x + 0.15 * step_.x, offset.y - 0.6 * step_.y}, 0.1 * step_.x, 0.1 * step_.y);
  }

  PixelPosition middle_;
  double arcmin_;
  PixelPosition step_;  // arcmin
  StarryMask stars_;
};

}  // namespace

std::unique_ptr<SurveyMask> full_mask() { return std::make_unique<FullMask>(); }

std::unique_ptr<SurveyMask> map_mask(const PlaneGrid& field, std::vector<double> map) {
  return std::make_unique<MapMask>(field, std::move(map));
}

std::unique_ptr<SurveyMask> starry_mask(const PlaneGrid& field, std::uint64_t seed) {
  return std::make_unique<StarryMask>(field, seed);
}

std::unique_ptr<SurveyMask> cosmos_like_mask(const PlaneGrid& field, std::uint64_t seed) {
  return std::make_unique<CosmosLikeMask>(field, seed);
}

}  // namespace tessera::simulate
