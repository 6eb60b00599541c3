#include "harmonic/sphere_basis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <libsharp/sharp.h>
#include <libsharp/sharp_almhelpers.h>
#include <libsharp/sharp_geomhelpers.h>
#include <limits>
#include <numbers>

#include "core/error.hpp"
#include "harmonic/sum_of_products.hpp"
#include "sky/healpix_window.hpp"

namespace tessera::harmonic {
namespace {

struct DestroyGeometry {
  void operator()(sharp_geom_info* info) const { sharp_destroy_geom_info(info); }
};
struct DestroyModes {
  void operator()(sharp_alm_info* info) const { sharp_destroy_alm_info(info); }
};
using Geometry = std::unique_ptr<sharp_geom_info, DestroyGeometry>;
using ModeLayout = std::unique_ptr<sharp_alm_info, DestroyModes>;

/// The rings [begin, end) of the storage order, packed.
Geometry geometry_of(const RingDistribution& rings, std::uint64_t begin, std::uint64_t end) {
  std::vector<int> numbers;
  for (std::uint64_t r = begin; r < end; ++r) numbers.push_back(static_cast<int>(rings.rings()[r].number));
  sharp_geom_info* info = nullptr;
  sharp_make_subset_healpix_geom_info(static_cast<int>(rings.nside()), 1, static_cast<int>(numbers.size()),
                                      numbers.data(), nullptr, &info);
  return Geometry(info);
}

ModeLayout mode_layout(std::uint64_t lmax, std::uint64_t mmax) {
  sharp_alm_info* info = nullptr;
  sharp_make_triangular_alm_info(static_cast<int>(lmax), static_cast<int>(mmax), 1, &info);
  return ModeLayout(info);
}

/// libsharp takes pointers to what it only reads as if it wrote there.
template <class T>
void* untyped(const T* data) {
  return const_cast<T*>(data);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

std::span<double> reals(Modes modes) { return {reinterpret_cast<double*>(modes.data()), 2 * modes.size()}; }

std::uint64_t checked_lmax(std::uint64_t lmax, std::uint64_t nside) {
  if (lmax < 2 || lmax > 4 * nside)
    fail("--lmax {} does not suit nside {}: give a multipole from 2 to {}, usually {}", lmax, nside,
         4 * nside, 2 * nside);
  return lmax;
}

/// Columns of m dealt to ranks in order, so that each has about as many modes: [ranks + 1].
std::vector<std::uint64_t> deal_columns(std::uint64_t lmax, int ranks) {
  const std::uint64_t modes = (lmax + 1) * (lmax + 2) / 2, shares = static_cast<std::uint64_t>(ranks);
  std::vector<std::uint64_t> first_m;
  std::uint64_t m = 0, before = 0;
  for (std::uint64_t rank = 0; rank <= shares; ++rank) {
    while (before * shares < modes * rank) before += lmax + 1 - m++;
    first_m.push_back(m);
  }
  return first_m;
}

}  // namespace

struct SphereBasis::Transforms {
  ModeLayout modes;
  std::vector<Geometry> blocks;  // of this rank
  std::vector<std::size_t> block_pixel;

  // Block by block both ways: libsharp works on several rings at a time, and the last bits of a ring depend
  // on which they are.

  void synthesis(int spin, std::array<const Complex*, 2> a, std::array<double*, 2> maps) const {
    std::array<void*, 2> alm{untyped(a[0]), untyped(a[1])};
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      const std::size_t first = block_pixel[block];
      std::array<void*, 2> map{maps[0] + first, maps[1] == nullptr ? nullptr : maps[1] + first};
      sharp_execute(SHARP_Y, spin, static_cast<void*>(alm.data()), static_cast<void*>(map.data()),
                    blocks[block].get(), modes.get(), SHARP_DP, nullptr, nullptr);
    }
  }
  /// maps: of all this rank's pixels, of which the block's are taken.
  void adjoint(std::size_t block, int spin, std::array<const double*, 2> maps,
               std::array<double*, 2> a) const {
    const std::size_t first = block_pixel[block];
    std::array<void*, 2> alm{a[0], a[1]},
        map{untyped(maps[0] + first), maps[1] == nullptr ? nullptr : untyped(maps[1] + first)};
    sharp_execute(SHARP_Yt, spin, static_cast<void*>(alm.data()), static_cast<void*>(map.data()),
                  blocks[block].get(), modes.get(), SHARP_DP, nullptr, nullptr);
  }
};

SphereBasis::SphereBasis(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
                         std::uint64_t least_blocks)
    : SphereBasis(comm, nside, checked_lmax(lmax, nside), least_blocks, deal_columns(lmax, comm.size())) {}

SphereBasis::SphereBasis(const mpi::Communicator& comm, std::uint64_t nside, std::uint64_t lmax,
                         std::uint64_t least_blocks, std::vector<std::uint64_t> first_m)
    : comm_(&comm),
      grid_(nside),
      rings_(nside, comm.size(), least_blocks),
      lmax_(checked_lmax(lmax, nside)),
      pixel_count_(rings_.first_pixel(comm.rank() + 1) - rings_.first_pixel(comm.rank())),
      first_m_(std::move(first_m)),
      entries_(entries_of_ranks()),
      some_have_no_modes_(std::adjacent_find(entries_.begin(), entries_.end()) != entries_.end()),
      transforms_(std::make_unique<Transforms>()),
      ring_sum_(comm, rings_.rings().size(), rings_.first_ring(comm.rank())),
      column_sum_(comm, lmax + 1, own_first_m()),
      block_sum_(comm, rings_.first_blocks(), entries_) {
  const std::uint64_t begin = rings_.first_block(comm.rank()), end = rings_.first_block(comm.rank() + 1);
  transforms_->modes = mode_layout(lmax, lmax);
  for (std::uint64_t block = begin; block < end; ++block) {
    transforms_->blocks.push_back(
        geometry_of(rings_, rings_.block_begin(block), rings_.block_begin(block + 1)));
    transforms_->block_pixel.push_back(rings_.rings()[rings_.block_begin(block)].first - first_pixel());
  }
  tabulate_modes();
}

SphereBasis::~SphereBasis() = default;

std::vector<std::size_t> SphereBasis::entries_of_ranks() const {
  TESSERA_REQUIRE(first_m_.size() == static_cast<std::size_t>(comm_->size()) + 1 && first_m_[0] == 0 &&
                  first_m_[1] > 0 && first_m_.back() == lmax_ + 1 &&
                  std::is_sorted(first_m_.begin(), first_m_.end()));
  std::vector<std::size_t> entries;
  for (const std::uint64_t m : first_m_) entries.push_back(2 * first_mode(m));
  if (comm_->size() > 1 && entries.back() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    fail("--lmax {} has more coefficients than ranks can exchange at a time; give at most 46339, or one rank",
         lmax_);
  return entries;
}

void SphereBasis::tabulate_modes() {
  const std::size_t count = first_mode(own_end_m()) - first_mode(own_first_m());
  const std::vector<double> window = healpix_window(grid_.nside(), lmax_);
  ell_.reserve(count);
  window_.reserve(count);
  for (std::uint64_t m = own_first_m(); m < own_end_m(); ++m)
    for (std::uint64_t l = m; l <= lmax_; ++l) {
      ell_.push_back(static_cast<double>(l));
      window_.push_back(window[l]);
    }
  for (std::uint64_t l = 0; l <= lmax_; ++l) shear_of_kappa_.push_back(shear_factor(static_cast<double>(l)));
}

double SphereBasis::shear_factor(double ell) const {
  return ell < 2.0 ? 0.0 : std::sqrt((ell - 1.0) * (ell + 2.0) / (ell * (ell + 1.0)));
}

std::unique_ptr<HarmonicBasis> SphereBasis::truncated(double ell) const {
  constexpr double least = 2.0;
  const auto highest = static_cast<std::uint64_t>(std::max(std::ceil(ell) - 1.0, least));
  if (highest >= lmax_) return nullptr;
  // A mode stays with its rank.
  std::vector<std::uint64_t> first_m = first_m_;
  for (std::uint64_t& m : first_m) m = std::min(m, highest + 1);
  return std::make_unique<SphereBasis>(*comm_, grid_.nside(), highest, rings_.blocks(), std::move(first_m));
}

Complex* SphereBasis::own_place(std::size_t vector) const {
  const std::size_t vectors = vector + 1;
  if (whole_.size() < vectors * all_modes()) whole_.resize(vectors * all_modes());
  return whole_.data() + vector * all_modes() + first_mode(own_first_m());
}

void SphereBasis::gather(std::size_t vector) const {
  auto* const from = reinterpret_cast<double*>(whole_.data()) + vector * entries_.back();
  comm_->all_gather_parts({from, entries_.back()}, entries_);
}

bool SphereBasis::given(ConstModes modes) const {
  const bool here = !modes.empty();
  return some_have_no_modes_ ? comm_->max(here ? 1 : 0) != 0 : here;
}

void SphereBasis::synthesis(ConstModes modes, Pixels field) const {
  TESSERA_REQUIRE(modes.size() == mode_count() && field.size() == pixel_count());
  std::copy(modes.begin(), modes.end(), own_place(0));
  gather(0);
  transforms_->synthesis(0, {whole_.data(), nullptr}, {field.data(), nullptr});
}

void SphereBasis::synthesis_adjoint(ConstPixels field, Modes modes) const {
  TESSERA_REQUIRE(modes.size() == mode_count() && field.size() == pixel_count());
  const std::array<std::span<double>, 1> sums{reals(modes)};
  const std::uint64_t first = rings_.first_block(comm_->rank());
  block_sum_(
      [&](std::uint64_t block, std::span<double> part) {
        transforms_->adjoint(block - first, 0, {field.data(), nullptr}, {part.data(), nullptr});
      },
      sums);
}

void SphereBasis::shear_synthesis(ConstModes e_modes, ConstModes b_modes, Pixels gamma1,
                                  Pixels gamma2) const {
  const std::size_t count = mode_count(), all = all_modes();
  TESSERA_REQUIRE(e_modes.size() == count && (b_modes.empty() || b_modes.size() == count));
  TESSERA_REQUIRE(gamma1.size() == pixel_count() && gamma2.size() == pixel_count());
  Complex* const b = own_place(1);  // first: whole_ grows
  Complex* const e = own_place(0);
  for (std::size_t k = 0; k < count; ++k)
    e[k] = shear_of_kappa_[static_cast<std::size_t>(ell_[k])] * e_modes[k];
  gather(0);
  if (given(b_modes)) {
    // With the mirrored frame the curl changes its sign.
    for (std::size_t k = 0; k < count; ++k)
      b[k] = -shear_of_kappa_[static_cast<std::size_t>(ell_[k])] * b_modes[k];
    gather(1);
  } else {
    std::fill_n(whole_.begin() + static_cast<std::ptrdiff_t>(all), all, 0.0);
  }
  transforms_->synthesis(2, {whole_.data(), whole_.data() + all}, {gamma1.data(), gamma2.data()});
  for (double& value : gamma1) value = -value;
}

void SphereBasis::shear_synthesis_adjoint(ConstPixels gamma1, ConstPixels gamma2, Modes e_modes,
                                          Modes b_modes) const {
  const std::size_t count = mode_count(), all = all_modes();
  TESSERA_REQUIRE(e_modes.size() == count && (b_modes.empty() || b_modes.size() == count));
  TESSERA_REQUIRE(gamma1.size() == pixel_count() && gamma2.size() == pixel_count());
  minus_gamma1_.resize(pixel_count());
  std::transform(gamma1.begin(), gamma1.end(), minus_gamma1_.begin(), std::negate<>());
  static_cast<void>(own_place(1));
  const Modes unwanted(whole_.data() + all, all);
  const bool with_b = given(b_modes);
  const std::array<std::span<double>, 2> sums{reals(e_modes), reals(b_modes)};
  const std::uint64_t first = rings_.first_block(comm_->rank());
  block_sum_(
      [&](std::uint64_t block, std::span<double> part) {
        const std::span<double> b = with_b ? part.subspan(2 * all) : reals(unwanted);
        transforms_->adjoint(block - first, 2, {minus_gamma1_.data(), gamma2.data()},
                             {part.data(), b.data()});
      },
      std::span(sums).first(with_b ? 2 : 1));
  for (std::size_t k = 0; k < count; ++k) e_modes[k] *= shear_of_kappa_[static_cast<std::size_t>(ell_[k])];
  for (std::size_t k = 0; k < b_modes.size(); ++k)
    b_modes[k] *= -shear_of_kappa_[static_cast<std::size_t>(ell_[k])];
}

double SphereBasis::dot(ConstModes a, ConstModes b) const {
  TESSERA_REQUIRE(a.size() == mode_count() && b.size() == mode_count());
  const auto* const x = reinterpret_cast<const double*>(a.data());
  const auto* const y = reinterpret_cast<const double*>(b.data());
  std::vector<double> partial;
  std::size_t begin = 0;
  for (std::uint64_t m = own_first_m(); m < own_end_m(); ++m) {
    const std::size_t count = 2 * (lmax_ + 1 - m);
    const double part = sum_of_products(x + begin, y + begin, count);
    partial.push_back(m == 0 ? part : 2.0 * part);
    begin += count;
  }
  return column_sum_(partial);
}

double SphereBasis::dot(ConstPixels f, ConstPixels g) const {
  TESSERA_REQUIRE(f.size() == pixel_count() && g.size() == pixel_count());
  const std::uint64_t begin = rings_.first_ring(comm_->rank()), end = rings_.first_ring(comm_->rank() + 1);
  std::vector<double> partial;
  for (std::uint64_t r = begin; r < end; ++r) {
    const RingDistribution::Ring& ring = rings_.rings()[r];
    const std::size_t offset = ring.first - first_pixel();
    partial.push_back(sum_of_products(f.data() + offset, g.data() + offset, ring.size));
  }
  return ring_sum_(partial);
}

void SphereBasis::white_noise(const RandomStream& stream, Modes modes) const {
  TESSERA_REQUIRE(modes.size() == mode_count());
  std::size_t k = 0;
  for (std::uint64_t m = own_first_m(); m < own_end_m(); ++m)
    for (std::uint64_t l = m; l <= lmax_; ++l, ++k) {
      const auto [re, im] = stream.normals(l * (l + 1) / 2 + m);
      modes[k] = m == 0 ? Complex(re) : std::numbers::sqrt2 * 0.5 * Complex(re, im);
    }
}

void SphereBasis::white_noise(const RandomStream& stream, Pixels field) const {
  TESSERA_REQUIRE(field.size() == pixel_count());
  const std::uint64_t begin = rings_.first_ring(comm_->rank()), end = rings_.first_ring(comm_->rank() + 1);
  std::size_t p = 0;
  for (std::uint64_t r = begin; r < end; ++r) {
    const RingDistribution::Ring& ring = rings_.rings()[r];
    for (std::uint64_t i = 0; i < ring.size; ++i) field[p++] = stream.normals(ring.ring_index + i)[0];
  }
}

std::vector<double> SphereBasis::transformed_correlation(std::span<const double> power,
                                                         const std::function<double(double)>& f) const {
  TESSERA_REQUIRE(power.size() == mode_count());
  // xi(theta) = sum_l (2 l + 1) / (4 pi) C_l P_l is a map that depends on theta alone, with the coefficients
  // a_l0 = sqrt((2 l + 1) / (4 pi)) C_l; on Gauss-Legendre nodes the way back is exact.
  const ModeLayout layout = mode_layout(lmax_, 0);
  const std::size_t nodes = 4 * (lmax_ + 1);
  sharp_geom_info* info = nullptr;
  sharp_make_gauss_geom_info(static_cast<int>(nodes), 1, 0.0, 1, 1, &info);
  const Geometry geometry(info);
  const auto unit = [](std::uint64_t l) {
    return std::sqrt((2.0 * static_cast<double>(l) + 1.0) / (4.0 * std::numbers::pi));
  };
  std::vector<Complex> modes(lmax_ + 1);
  std::vector<double> xi(nodes), column(lmax_ + 1);
  // The modes of m = 0, which are the first rank's.
  if (comm_->is_root()) std::copy_n(power.begin(), column.size(), column.begin());
  comm_->broadcast(std::span<double>(column));
  for (std::uint64_t l = 0; l <= lmax_; ++l) modes[l] = unit(l) * column[l];
  std::array<void*, 1> alm{modes.data()}, map{xi.data()};
  sharp_execute(SHARP_Y, 0, static_cast<void*>(alm.data()), static_cast<void*>(map.data()), geometry.get(),
                layout.get(), SHARP_DP, nullptr, nullptr);
  for (double& value : xi) value = f(value);
  sharp_execute(SHARP_MAP2ALM, 0, static_cast<void*>(alm.data()), static_cast<void*>(map.data()),
                geometry.get(), layout.get(), SHARP_DP, nullptr, nullptr);
  std::vector<double> result(mode_count());
  for (std::size_t k = 0; k < result.size(); ++k) {
    const auto l = static_cast<std::size_t>(ell_[k]);
    result[k] = modes[l].real() / unit(l);
  }
  return result;
}

}  // namespace tessera::harmonic
