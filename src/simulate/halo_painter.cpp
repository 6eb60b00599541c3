#include "simulate/halo_painter.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "theory/nfw.hpp"

namespace tessera::simulate {
namespace {

constexpr double ln_c_first = 0.0, ln_c_step = 0.1;  // concentrations 1 to 90
constexpr std::size_t c_points = 46;
constexpr std::size_t r_points = 257;  // in equal steps of sqrt(r / radius)

/// Points along a side of a pixel at a distance (squared, in pixels) from the halo's centre: the profile is
/// steepest in the middle.
int points_along_side(double distance2) {
  constexpr double near = 1.5, middle = 3.5;
  return distance2 < near * near ? 4 : distance2 < middle * middle ? 2 : 1;
}

std::uint64_t wrapped(std::int64_t i, std::uint64_t n) {
  const auto size = static_cast<std::int64_t>(n);
  return static_cast<std::uint64_t>(((i % size) + size) % size);
}

/// Reach of a halo's stamp on either side of its central pixel.
std::int64_t half_width(const PaintedHalo& halo) {
  return static_cast<std::int64_t>(std::ceil(halo.radius / std::sqrt(halo.axis_ratio) + 0.5));
}

/// Each halo sent to every rank that owns a row of its stamp; in the order of their keys.
std::vector<PaintedHalo> distribute(const harmonic::PlaneBasis& basis,
                                    const std::vector<PaintedHalo>& haloes) {
  const mpi::Communicator& comm = basis.comm();
  const BlockDistribution rows(basis.ny(), comm.size());
  std::vector<std::vector<PaintedHalo>> outgoing(static_cast<std::size_t>(comm.size()));
  for (const PaintedHalo& halo : haloes) {
    const std::int64_t half = half_width(halo), middle = std::llround(halo.y);
    int last = -1;
    std::vector<int> owners;
    for (std::int64_t row = middle - half; row <= middle + half; ++row) {
      const int owner = rows.owner(wrapped(row, basis.ny()));
      if (owner == last) continue;
      last = owner;
      if (std::find(owners.begin(), owners.end(), owner) == owners.end()) owners.push_back(owner);
    }
    for (const int owner : owners) outgoing[static_cast<std::size_t>(owner)].push_back(halo);
  }
  std::vector<PaintedHalo> packed;
  std::vector<std::uint64_t> offset{0};
  for (const auto& part : outgoing) {
    packed.insert(packed.end(), part.begin(), part.end());
    offset.push_back(packed.size());
  }
  auto received = comm.all_to_all(std::span<const PaintedHalo>(packed), offset);
  std::sort(received.begin(), received.end(),
            [](const PaintedHalo& a, const PaintedHalo& b) { return a.key < b.key; });
  return received;
}

}  // namespace

HaloPainter::HaloPainter() : table_(c_points * r_points) {
  for (std::size_t i = 0; i < c_points; ++i) {
    const double c = std::exp(ln_c_first + ln_c_step * static_cast<double>(i)) * (1.0 + 1e-9);
    for (std::size_t j = 0; j < r_points; ++j) {
      const double root = std::max(static_cast<double>(j), 0.25) / static_cast<double>(r_points - 1);
      table_[i * r_points + j] = c * c * theory::nfw_projected(c * root * root, c);
    }
  }
}

HaloPainter::Profile HaloPainter::profile(double concentration) const {
  const double a = std::clamp((std::log(concentration) - ln_c_first) / ln_c_step, 0.0, c_points - 1.001);
  const auto i = static_cast<std::size_t>(a);
  return {table_.data() + i * r_points, a - static_cast<double>(i)};
}

double HaloPainter::Profile::operator()(double radius2_share) const {
  if (radius2_share >= 1.0) return 0.0;
  const double b = std::sqrt(std::sqrt(radius2_share)) * static_cast<double>(r_points - 1);
  const auto j = static_cast<std::size_t>(b);
  const double t = b - static_cast<double>(j);
  const double* const low = rows + j;
  const double* const high = low + r_points;
  return (1.0 - share) * ((1.0 - t) * low[0] + t * low[1]) + share * ((1.0 - t) * high[0] + t * high[1]);
}

void HaloPainter::make_stamp(const PaintedHalo& halo, Stamp& stamp) const {
  stamp.half = half_width(halo);
  const auto side = static_cast<std::size_t>(2 * stamp.half + 1);
  stamp.values.assign(side * side, 0.0);
  const double centre_x = halo.x - std::round(halo.x), centre_y = halo.y - std::round(halo.y);
  const double cosine = std::cos(halo.angle), sine = std::sin(halo.angle);
  const double per_radius2 = 1.0 / (halo.radius * halo.radius);
  const Profile surface_density = profile(halo.concentration);
  // Ellipses of equal density, area and mass kept.
  const auto density = [&](double x, double y) {
    const double u = x * cosine + y * sine, v = y * cosine - x * sine;
    const double r2 = (u * u * halo.axis_ratio + v * v / halo.axis_ratio) * per_radius2;
    return surface_density(r2);
  };
  double total = 0.0;
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column < side; ++column) {
      const double x = static_cast<double>(column) - static_cast<double>(stamp.half) - centre_x;
      const double y = static_cast<double>(row) - static_cast<double>(stamp.half) - centre_y;
      const int points = points_along_side(x * x + y * y);
      double sum = 0.0;
      for (int i = 0; i < points; ++i)
        for (int j = 0; j < points; ++j)
          sum += density(x + (i + 0.5) / points - 0.5, y + (j + 0.5) / points - 0.5);
      stamp.values[row * side + column] = sum / (points * points);
      total += sum / (points * points);
    }
  // A halo much smaller than a pixel may fall between the points.
  if (total <= 0.0) stamp.values[side * side / 2] = total = 1.0;
  for (double& value : stamp.values) value *= halo.kappa / total;
}

void HaloPainter::paint(const harmonic::PlaneBasis& basis, const std::vector<PaintedHalo>& haloes,
                        harmonic::Pixels field) const {
  TESSERA_REQUIRE(field.size() == basis.pixel_count());
  Stamp stamp;
  for (const PaintedHalo& halo : distribute(basis, haloes)) {
    make_stamp(halo, stamp);
    const std::int64_t middle_x = std::llround(halo.x), middle_y = std::llround(halo.y);
    const auto side = static_cast<std::size_t>(2 * stamp.half + 1);
    for (std::size_t row = 0; row < side; ++row) {
      const std::uint64_t y = wrapped(middle_y - stamp.half + static_cast<std::int64_t>(row), basis.ny());
      if (y < basis.first_row() || y >= basis.first_row() + basis.local_rows()) continue;
      double* const line = field.data() + (y - basis.first_row()) * basis.nx();
      for (std::size_t column = 0; column < side; ++column)
        line[wrapped(middle_x - stamp.half + static_cast<std::int64_t>(column), basis.nx())] +=
            stamp.values[row * side + column];
    }
  }
}

}  // namespace tessera::simulate
