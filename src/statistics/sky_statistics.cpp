#include "statistics/sky_statistics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numbers>

#include "core/error.hpp"
#include "statistics/taper.hpp"

namespace tessera::statistics {
namespace {

using harmonic::Complex;
using harmonic::ConstModes;
using harmonic::ConstPixels;
using harmonic::PlaneBasis;

constexpr double gaussian_reach = 3.0;  // sigma; 0.3 % of a Gaussian's weight along an axis lies beyond

double dot(const harmonic::HarmonicBasis& basis, const std::vector<double>& f, const std::vector<double>& g) {
  return basis.dot(ConstPixels(f), ConstPixels(g));
}

double square_degrees(double steradian) { return steradian / (radians_per_degree * radians_per_degree); }

std::uint64_t global_count(const PlaneBasis& basis, std::uint64_t local) { return basis.comm().sum(local); }

/// 1 at least `margin` pixels from the border, 0 elsewhere.
std::vector<double> inner_pixels(const PlaneBasis& basis, std::uint64_t margin) {
  const auto within = [&](std::uint64_t i, std::uint64_t n) { return i >= margin && i + margin < n; };
  std::vector<double> inside(basis.pixel_count());
  for (std::size_t p = 0; p < inside.size(); ++p)
    if (within(basis.first_row() + p / basis.nx(), basis.ny()) && within(p % basis.nx(), basis.nx()))
      inside[p] = 1.0;
  return inside;
}

/// Pixels that a kernel of this reach (radians) carries across the border of a map that is not periodic.
std::uint64_t margin_of(const PlaneBasis& basis, double reach, bool periodic) {
  if (periodic) return 0;
  const double pixel = std::sqrt(basis.pixel_area());
  const double pixels = std::ceil(reach / pixel - 1e-9);
  if (2.0 * pixels >= static_cast<double>(std::min(basis.nx(), basis.ny())))
    fail(
        "smoothing reaches {:.3g} arcmin from every border and leaves nothing of a map of {} x {} pixels of "
        "{:.3g} arcmin that is not periodic; smooth less or give wider maps",
        reach / radians_per_arcmin, basis.nx(), basis.ny(), pixel / radians_per_arcmin);
  return static_cast<std::uint64_t>(pixels);
}

/// Fourier transform of a disc of unit weight.
double top_hat_window(double x) { return x < 1e-4 ? 1.0 - x * x / 8.0 : 2.0 * std::cyl_bessel_j(1.0, x) / x; }

double gaussian_window(double x) { return std::exp(-0.5 * x * x); }

/// The map convolved with a kernel given by its transform at ell times `angle`.
std::vector<double> convolved(const PlaneBasis& basis, const std::vector<Complex>& modes, double angle,
                              const std::function<double(double)>& window) {
  std::vector<Complex> damped(modes);
  for (std::size_t k = 0; k < damped.size(); ++k) damped[k] *= window(basis.ell()[k] * angle);
  std::vector<double> map(basis.pixel_count());
  basis.synthesis(damped, map);
  return map;
}

std::vector<Complex> analysis(const PlaneBasis& basis, ConstPixels map) {
  std::vector<Complex> modes(basis.mode_count());
  basis.synthesis_adjoint(map, modes);
  for (Complex& mode : modes) mode *= basis.pixel_area();
  return modes;
}

/// Modes whose mean square is the spectrum: of the map, or of the tapered one.
std::vector<Complex> spectral_modes(const PlaneBasis& basis, ConstPixels kappa, bool periodic) {
  if (periodic) return analysis(basis, kappa);
  const std::vector<double> ones(kappa.size(), 1.0);
  const auto pixels = static_cast<double>(basis.total_pixels());
  const double mean = basis.dot(kappa, ConstPixels(ones)) / pixels;
  std::vector<double> map(kappa.begin(), kappa.end()), window(kappa.size());
  const auto x = cosine_taper(basis.nx()), y = cosine_taper(basis.ny());
  for (std::size_t p = 0; p < map.size(); ++p) {
    window[p] = y[basis.first_row() + p / basis.nx()] * x[p % basis.nx()];
    map[p] = (map[p] - mean) * window[p];
  }
  auto modes = analysis(basis, map);
  const double norm = std::sqrt(pixels / dot(basis, window, window));
  for (Complex& mode : modes) mode *= norm;
  return modes;
}

/// The values of one band, zero elsewhere.
template <class T>
std::vector<Complex> in_band(const PlaneBasis& basis, double min, double max, T&& value) {
  const auto ell = basis.ell();
  std::vector<Complex> band(ell.size());
  for (std::size_t k = 0; k < ell.size(); ++k)
    if (ell[k] >= min && ell[k] < max) band[k] = value(k);
  return band;
}

void add_power(std::vector<Curve>& curves, const PlaneBasis& basis, ConstPixels kappa,
               std::optional<std::span<const double>> expected, const SkyBins& bins, bool periodic) {
  TESSERA_REQUIRE(!expected || expected->size() == basis.mode_count());
  const auto modes = spectral_modes(basis, kappa, periodic);
  Curve number{"modes", 0, {}}, power{"power", 0, {}}, theory{"power_expected", 0, {}},
      ratio{"power_ratio", 0, {}};
  for (std::size_t b = 0; b + 1 < bins.ell.size(); ++b) {
    const auto sum = [&](auto&& value) {
      const auto band = in_band(basis, bins.ell[b], bins.ell[b + 1], value);
      return basis.dot(ConstModes(band), ConstModes(band));
    };
    const double count = sum([](std::size_t) { return Complex(1.0); });
    const double found = sum([&](std::size_t k) { return modes[k]; });
    number.values.push_back(count);
    power.values.push_back(found / count);
    if (!expected) continue;
    const double input = sum([&](std::size_t k) { return Complex(std::sqrt((*expected)[k])); });
    theory.values.push_back(input / count);
    ratio.values.push_back(found / input);
  }
  curves.insert(curves.end(), {number, power});
  if (expected) curves.insert(curves.end(), {theory, ratio});
}

/// Number of values in each bin, over all ranks.
std::vector<double> histogram(const mpi::Communicator& comm, const std::vector<double>& values, double mean,
                              double rms, const std::vector<double>& edges) {
  std::vector<std::uint64_t> count(edges.size() - 1);
  for (const double value : values) {
    const double nu = (value - mean) / rms;
    const auto above = std::upper_bound(edges.begin(), edges.end(), nu);
    if (above != edges.begin() && above != edges.end())
      ++count[static_cast<std::size_t>(above - edges.begin()) - 1];
  }
  comm.sum(std::span<std::uint64_t>(count));
  return {count.begin(), count.end()};
}

std::vector<double> selected(const std::vector<double>& map, const std::vector<double>& inside) {
  std::vector<double> values;
  for (std::size_t p = 0; p < map.size(); ++p)
    if (inside[p] > 0.0) values.push_back(map[p]);
  return values;
}

/// Curves of moments under names with a prefix.
struct MomentCurves {
  explicit MomentCurves(const std::string& prefix)
      : curves{{prefix + "rms", 0, {}},
               {prefix + "skewness", 0, {}},
               {prefix + "kurtosis", 0, {}},
               {prefix + "s3", 0, {}}} {}
  void add(const Moments& m) {
    const std::array<double, 4> values = {m.rms, m.skewness, m.kurtosis, m.s3};
    for (std::size_t i = 0; i < values.size(); ++i) curves[i].values.push_back(values[i]);
  }
  std::vector<Curve> curves;
};

void append(std::vector<double>& all, const std::vector<double>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

/// Smoothing by 0 would still round the map through two transforms.
std::vector<double> smoothed(const PlaneBasis& basis, ConstPixels kappa, const std::vector<Complex>& modes,
                             double sigma) {
  if (sigma == 0.0) return {kappa.begin(), kappa.end()};
  return convolved(basis, modes, sigma, gaussian_window);
}

void add_one_point(std::vector<Curve>& curves, const PlaneBasis& basis, ConstPixels kappa,
                   const std::vector<Complex>& modes, const SkyBins& bins, bool periodic) {
  MomentCurves gaussian("");
  Curve percent{"percentiles", measured_percents.size(), {}}, pdf{"pdf", bins.pdf.size() - 1, {}};
  for (const double sigma : bins.smoothing) {
    const auto map = smoothed(basis, kappa, modes, sigma);
    const auto inside = inner_pixels(basis, margin_of(basis, gaussian_reach * sigma, periodic));
    const Moments m = moments(basis, map, inside);
    gaussian.add(m);
    const auto values = selected(map, inside);
    append(percent.values, percentiles(basis.comm(), values, measured_percents));
    const auto count = histogram(basis.comm(), values, m.mean, m.rms, bins.pdf);
    for (std::size_t b = 0; b < count.size(); ++b)
      pdf.values.push_back(count[b] / (m.pixels * (bins.pdf[b + 1] - bins.pdf[b])));
  }
  curves.insert(curves.end(), gaussian.curves.begin(), gaussian.curves.end());
  curves.insert(curves.end(), {percent, pdf});
}

void add_top_hat(std::vector<Curve>& curves, const PlaneBasis& basis, const std::vector<Complex>& modes,
                 const SkyBins& bins, bool periodic) {
  if (bins.top_hat.empty()) return;
  MomentCurves disc("top_hat_");
  for (const double radius : bins.top_hat) {
    const auto map = convolved(basis, modes, radius, top_hat_window);
    disc.add(moments(basis, map, inner_pixels(basis, margin_of(basis, radius, periodic))));
  }
  curves.insert(curves.end(), disc.curves.begin(), disc.curves.end());
}

template <class Test>
double count_if(const PlaneBasis& basis, const std::vector<double>& values, Test test) {
  const auto local = std::count_if(values.begin(), values.end(), test);
  return static_cast<double>(global_count(basis, static_cast<std::uint64_t>(local)));
}

void add_extrema(std::vector<Curve>& curves, const PlaneBasis& basis, ConstPixels kappa,
                 const std::vector<Complex>& modes, const SkyBins& bins, bool periodic) {
  const double sigma = bins.extrema_smoothing;
  const auto map = smoothed(basis, kappa, modes, sigma);
  const std::uint64_t margin =
      periodic ? 0 : std::max<std::uint64_t>(1, margin_of(basis, gaussian_reach * sigma, periodic));
  const auto inside = inner_pixels(basis, margin);
  const Moments m = moments(basis, map, inside);
  const double area = square_degrees(m.pixels * basis.pixel_area());
  const Extrema found = extrema(basis, map, periodic, margin);
  Curve above{"peaks_above", 0, {}}, below{"minima_below", 0, {}};
  for (const double level : bins.thresholds)
    above.values.push_back(count_if(basis, found.peaks, [&](double v) { return v > level; }) / area);
  for (const double level : bins.minima)
    below.values.push_back(count_if(basis, found.minima, [&](double v) { return v < level; }) / area);
  const auto binned = [&](const std::string& name, const std::vector<double>& values) {
    Curve curve{name, 0, histogram(basis.comm(), values, m.mean, m.rms, bins.nu)};
    for (double& value : curve.values) value /= area;
    return curve;
  };
  curves.insert(curves.end(),
                {above, below, binned("peaks_nu", found.peaks), binned("minima_nu", found.minima)});
}

/// Sum of |w| over the pixels with w / rms in each bin, in the order of rows.
std::vector<double> binned_l1(const PlaneBasis& basis, const std::vector<double>& w, double rms,
                              const std::vector<double>& edges) {
  std::vector<double> sums;
  std::vector<double> size(w.size()), member(w.size());
  std::vector<std::size_t> bin(w.size());
  for (std::size_t p = 0; p < w.size(); ++p) {
    size[p] = std::abs(w[p]);
    bin[p] =
        static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), w[p] / rms) - edges.begin());
  }
  for (std::size_t b = 1; b < edges.size(); ++b) {
    for (std::size_t p = 0; p < w.size(); ++p) member[p] = bin[p] == b ? 1.0 : 0.0;
    sums.push_back(dot(basis, size, member));
  }
  return sums;
}

void add_starlet(std::vector<Curve>& curves, const PlaneBasis& basis, ConstPixels kappa, const SkyBins& bins,
                 bool periodic) {
  const auto starlet =
      starlet_transform(basis, kappa, bins.starlet_scales, periodic ? Border::periodic : Border::mirror);
  Curve rms{"starlet_rms", 0, {}}, l1{"starlet_l1", 0, {}},
      binned{"starlet_bins", bins.starlet.size() - 1, {}};
  const auto pixels = static_cast<double>(basis.total_pixels());
  const std::vector<double> ones(kappa.size(), 1.0);
  for (const auto& w : starlet.detail) {
    std::vector<double> size(w.size());
    std::transform(w.begin(), w.end(), size.begin(), [](double v) { return std::abs(v); });
    rms.values.push_back(std::sqrt(dot(basis, w, w) / pixels));
    l1.values.push_back(dot(basis, size, ones) / pixels);
    for (const double sum : binned_l1(basis, w, rms.values.back(), bins.starlet))
      binned.values.push_back(sum / pixels);
  }
  curves.insert(curves.end(), {rms, l1, binned});
}

/// Orders doubles as unsigned integers.
std::uint64_t key_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

double value_of(std::uint64_t key) {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

/// The values of the given ranks in the global order, all by one bisection over the bits.
std::vector<double> order_statistics(const mpi::Communicator& comm, const std::vector<std::uint64_t>& sorted,
                                     const std::vector<std::uint64_t>& order) {
  std::vector<std::uint64_t> low(order.size(), 0), high(order.size(), ~std::uint64_t{0}), below(order.size());
  for (int bit = 0; bit < 64; ++bit) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::uint64_t middle = low[i] + (high[i] - low[i]) / 2;
      const auto end = std::upper_bound(sorted.begin(), sorted.end(), middle);
      below[i] = static_cast<std::uint64_t>(end - sorted.begin());
    }
    comm.sum(std::span<std::uint64_t>(below));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::uint64_t middle = low[i] + (high[i] - low[i]) / 2;
      if (below[i] > order[i])
        high[i] = middle;
      else if (low[i] < high[i])
        low[i] = middle + 1;
    }
  }
  std::vector<double> values;
  std::transform(low.begin(), low.end(), std::back_inserter(values), value_of);
  return values;
}

}  // namespace

Moments moments(const harmonic::HarmonicBasis& basis, ConstPixels map, ConstPixels inside) {
  const double pixels = basis.dot(inside, inside);
  const double mean = basis.dot(map, inside) / pixels;
  std::vector<double> deviation(map.size()), square(map.size());
  for (std::size_t p = 0; p < map.size(); ++p) {
    deviation[p] = inside[p] * (map[p] - mean);
    square[p] = deviation[p] * deviation[p];
  }
  const double second = dot(basis, deviation, deviation) / pixels;
  const double third = dot(basis, deviation, square) / pixels;
  const double fourth = dot(basis, square, square) / pixels;
  // What is left of a constant by rounding has no shape.
  if (!(second > 1e-28 * mean * mean))
    fail("a sky is constant, all {}; its moments do not exist: take it out of the set", mean);
  return {pixels,
          mean,
          std::sqrt(second),
          third / (second * std::sqrt(second)),
          fourth / (second * second) - 3.0,
          third / (second * second)};
}

Extrema extrema(const PlaneBasis& basis, ConstPixels map, bool periodic, std::uint64_t margin) {
  TESSERA_REQUIRE(periodic || margin >= 1);
  const auto rows = with_neighbour_rows(basis, map, 1, Border::periodic);
  const std::uint64_t nx = basis.nx();
  Extrema found;
  for (std::uint64_t j = 0; j < basis.local_rows(); ++j) {
    const std::uint64_t y = basis.first_row() + j;
    if (!periodic && (y < margin || y + margin >= basis.ny())) continue;
    for (std::uint64_t i = 0; i < nx; ++i) {
      if (!periodic && (i < margin || i + margin >= nx)) continue;
      const double value = map[j * nx + i];
      bool highest = true, lowest = true;
      for (const std::uint64_t row : {j, j + 1, j + 2}) {
        for (const std::uint64_t column : {(i + nx - 1) % nx, i, (i + 1) % nx}) {
          if (row == j + 1 && column == i) continue;
          highest = highest && value > rows[row * nx + column];
          lowest = lowest && value < rows[row * nx + column];
        }
      }
      if (highest) found.peaks.push_back(value);
      if (lowest) found.minima.push_back(value);
    }
  }
  return found;
}

std::vector<double> percentiles(const mpi::Communicator& comm, std::vector<double> values,
                                std::span<const double> percents) {
  std::vector<std::uint64_t> sorted(values.size());
  std::transform(values.begin(), values.end(), sorted.begin(), key_of);
  std::sort(sorted.begin(), sorted.end());
  const auto count = comm.sum(static_cast<std::uint64_t>(values.size()));
  TESSERA_REQUIRE(count > 0);
  std::vector<std::uint64_t> order;
  for (const double percent : percents) {
    const auto below = static_cast<std::uint64_t>(0.01 * percent * static_cast<double>(count - 1));
    order.push_back(below);
    order.push_back(std::min(below + 1, count - 1));
  }
  const auto value = order_statistics(comm, sorted, order);
  std::vector<double> result;
  for (std::size_t i = 0; i < percents.size(); ++i) {
    const double place = 0.01 * percents[i] * static_cast<double>(count - 1);
    const double fraction = place - std::floor(place);
    result.push_back(value[2 * i] + fraction * (value[2 * i + 1] - value[2 * i]));
  }
  return result;
}

std::vector<Curve> measure_sky(const PlaneBasis& basis, ConstPixels kappa,
                               std::optional<std::span<const double>> expected, const SkyBins& bins,
                               bool periodic) {
  TESSERA_REQUIRE(kappa.size() == basis.pixel_count());
  std::vector<Curve> curves;
  add_power(curves, basis, kappa, expected, bins, periodic);
  const auto modes = analysis(basis, kappa);
  add_one_point(curves, basis, kappa, modes, bins, periodic);
  add_top_hat(curves, basis, modes, bins, periodic);
  add_extrema(curves, basis, kappa, modes, bins, periodic);
  add_starlet(curves, basis, kappa, bins, periodic);
  return curves;
}

}  // namespace tessera::statistics
