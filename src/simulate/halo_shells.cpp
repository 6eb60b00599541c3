#include "simulate/halo_shells.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "core/error.hpp"
#include "theory/interpolate.hpp"
#include "theory/nfw.hpp"

namespace tessera::simulate {
namespace {

constexpr double ell_lowest = 1e-3, ell_highest = 1e8;
constexpr std::size_t ell_points = 1024;
constexpr double shell_thickness = 200.0;  // Mpc/h: many correlation lengths, small change of W
constexpr double nearest = 20.0;           // Mpc/h
constexpr double highest_field_ell = 1e5;
constexpr int iterations = 12;
constexpr double field_smoothing = 0.5;  // Mpc/h: haloes, not the field, make smaller structure

/// nfw_fourier by bilinear interpolation in ln x and ln c.
class ProfileTable {
 public:
  ProfileTable() {
    for (std::size_t i = 0; i < x_points; ++i)
      for (std::size_t j = 0; j < c_points; ++j)
        table_[i * c_points + j] = theory::nfw_fourier(std::exp(x_first + x_step * static_cast<double>(i)),
                                                       std::exp(c_first + c_step * static_cast<double>(j)));
  }
  [[nodiscard]] double operator()(double ln_x, double ln_c) const {
    const double a = (ln_x - x_first) / x_step;
    if (a <= 0.0) return 1.0;
    if (a >= static_cast<double>(x_points - 1)) return 0.0;
    const double b = std::clamp((ln_c - c_first) / c_step, 0.0, static_cast<double>(c_points) - 1.001);
    const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
    const double s = a - static_cast<double>(i), t = b - static_cast<double>(j);
    const double* const corner = table_.data() + i * c_points + j;
    return (1.0 - s) * ((1.0 - t) * corner[0] + t * corner[1]) +
           s * ((1.0 - t) * corner[c_points] + t * corner[c_points + 1]);
  }

 private:
  static constexpr std::size_t x_points = 260, c_points = 50;
  static constexpr double x_first = -7.0, x_step = 0.06, c_first = 0.0, c_step = 0.08;
  std::vector<double> table_ = std::vector<double>(x_points * c_points);
};

const ProfileTable& profile_table() {
  static const ProfileTable table;
  return table;
}

/// Shares of two neighbouring nodes whose mixture has the bias b.
NodeShares mixture(double b) {
  NodeShares shares{};
  const double clipped = std::clamp(b, bias_nodes.front(), bias_nodes.back());
  std::size_t i = 1;
  while (bias_nodes[i] < clipped) ++i;
  const double t = (clipped - bias_nodes[i - 1]) / (bias_nodes[i] - bias_nodes[i - 1]);
  shares[i - 1] = 1.0 - t;
  shares[i] = t;
  return shares;
}

std::vector<double> product(std::vector<double> a, const std::vector<double>& b) {
  std::transform(a.begin(), a.end(), b.begin(), a.begin(), std::multiplies<>());
  return a;
}

/// Ratio of two spectra in bands of ell, interpolated: from point to point a transform back and forth is too
/// noisy to be divided by.
std::vector<double> smooth_ratio(const std::vector<double>& wanted, const std::vector<double>& have) {
  constexpr std::size_t band = 16;
  constexpr double most = 1.5;
  std::vector<double> place, ratio, result;
  for (std::size_t first = 0; first + band <= wanted.size(); first += band) {
    double above = 0.0, below = 0.0;
    for (std::size_t l = first; l < first + band; ++l) {
      above += wanted[l];
      below += have[l];
    }
    place.push_back(static_cast<double>(first) + 0.5 * static_cast<double>(band));
    ratio.push_back(below > 0.0 && above > 0.0 ? std::clamp(above / below, 1.0 / most, most) : 1.0);
  }
  for (std::size_t l = 0; l < wanted.size(); ++l)
    result.push_back(theory::interpolate(place, ratio, static_cast<double>(l)));
  return result;
}

/// Distance beyond which less than a hundredth of the kernel is left: matter there is not worth a shell.
double far_edge(const theory::LensingKernel& kernel) {
  constexpr double share = 0.01;
  constexpr int steps = 400;
  const double step = kernel.reach() / steps;
  double total = 0.0, beyond = 0.0;
  for (int i = 0; i < steps; ++i) total += kernel(step * (i + 0.5));
  int last = steps;
  while (last > 1 && beyond < share * total) beyond += kernel(step * (--last + 0.5));
  return std::max(step * (last + 1), 2.0 * nearest);
}

/// Trapezoidal weights d ln M of a logarithmic grid of masses.
double mass_step(const theory::HaloPopulation& haloes, std::size_t i) {
  const double step = std::log(haloes.mass[1] / haloes.mass[0]);
  return i == 0 || i + 1 == haloes.mass.size() ? 0.5 * step : step;
}

}  // namespace

Shell::Halo Shell::halo(std::size_t node, double u) const {
  const std::vector<double>& below = cumulative[node];
  const auto above = std::upper_bound(below.begin() + 1, below.end() - 1, u);
  const auto i = static_cast<std::size_t>(above - below.begin());
  const double t = std::clamp((u - below[i - 1]) / std::max(below[i] - below[i - 1], 1e-300), 0.0, 1.0);
  const double mass = haloes.mass[i - 1] * std::pow(haloes.mass[i] / haloes.mass[i - 1], t);
  return {mass, haloes.radius[i - 1] * std::cbrt(mass / haloes.mass[i - 1]),
          haloes.concentration[i - 1] + t * (haloes.concentration[i] - haloes.concentration[i - 1])};
}

HaloShells::HaloShells(const theory::MatterPower& power, const theory::LensingKernel& kernel,
                       const theory::HaloOptions& options, const HaloShapes& shapes,
                       const theory::PowerSpectrum& c_ell, double pixel)
    : options_(options),
      shapes_(shapes),
      pixel_(pixel),
      hankel_(ell_lowest, ell_highest, ell_points),
      transfer_(ell_points, 1.0) {
  const double reach = far_edge(kernel);
  const auto count = static_cast<int>(std::ceil((reach - nearest) / shell_thickness));
  const double thickness = (reach - nearest) / count;
  for (int i = 0; i < count; ++i)
    shells_.push_back(make_shell(power, kernel, nearest + i * thickness, nearest + (i + 1) * thickness));
  const double density = power.background().matter_density();

  // The request, split over the shells as theory splits it.
  const std::size_t n = ell().size();
  std::vector<std::vector<double>> shape(shells_.size(), std::vector<double>(n));
  std::vector<double> model(n, 0.0), requested(n), total(n, 0.0);
  for (std::size_t s = 0; s < shells_.size(); ++s) {
    const Shell& shell = shells_[s];
    for (std::size_t l = 0; l < n; ++l) {
      shape[s][l] = power.nonlinear((ell()[l] + 0.5) / shell.distance, shell.z) /
                    (shell.distance * shell.distance * shell.thickness);
      model[l] += shell.weight * shell.weight * shape[s][l];
    }
  }
  for (std::size_t l = 0; l < n; ++l) {
    const double inside = std::clamp(ell()[l], c_ell.ell().front(), c_ell.ell().back());
    const double at_edge = inside == ell()[l] ? model[l] : theory::interpolate(ell(), model, inside);
    requested[l] = model[l] * c_ell(inside) / at_edge;
  }
  for (std::size_t s = 0; s < shells_.size(); ++s) {
    Shell& shell = shells_[s];
    for (std::size_t l = 0; l < n; ++l) shape[s][l] *= requested[l] / model[l];
    const Terms parts = terms(shell, density);
    solve(shell, parts, shape[s]);
    const std::vector<double> rest = two_halo(parts, correlation(shell.field_power));
    for (std::size_t l = 0; l < n; ++l)
      total[l] += shell.weight * shell.weight * (parts.one_halo[l] + rest[l]);
  }
  constexpr double widest = 3.0;
  const double ell_max = std::numbers::pi / pixel;
  for (std::size_t l = 0; l < n; ++l)
    if (ell()[l] <= ell_max)
      transfer_[l] = std::clamp(std::sqrt(requested[l] / std::max(total[l], 1e-300)), 1.0 / widest, widest);
    else
      transfer_[l] = transfer_[l - 1];
}

Shell HaloShells::make_shell(const theory::MatterPower& power, const theory::LensingKernel& kernel,
                             double near, double far) const {
  const theory::Background& background = power.background();
  Shell shell{};
  shell.thickness = far - near;
  // Volume-weighted distance: that of the shell's mean halo.
  shell.distance = 0.75 * (std::pow(far, 4) - std::pow(near, 4)) / (std::pow(far, 3) - std::pow(near, 3));
  shell.z = background.redshift(shell.distance);
  constexpr int steps = 16;
  for (int i = 0; i < steps; ++i)
    shell.weight += kernel(near + (i + 0.5) / steps * shell.thickness) * shell.thickness / steps;
  const double density = background.matter_density();
  shell.haloes = theory::halo_population(power, options_, shell.z);
  shell.halo_fraction = shell.haloes.mass_fraction(density);
  const double solid_volume = shell.distance * shell.distance * shell.thickness;  // (Mpc/h)^3 per steradian
  shell.mass_to_kappa = shell.weight / (density * solid_volume);

  double biased = 0.0;
  NodeShares below{};  // haloes per steradian and ln M at the mass before
  for (std::size_t i = 0; i < shell.haloes.mass.size(); ++i) {
    const double number = shell.haloes.number[i];
    const double b = std::clamp(shell.haloes.bias[i], bias_nodes.front(), bias_nodes.back());
    biased += number * mass_step(shell.haloes, i) * shell.haloes.mass[i] / density * b;
    const NodeShares shares = mixture(b);
    const double step = i == 0 ? 0.0 : std::log(shell.haloes.mass[i] / shell.haloes.mass[i - 1]);
    for (std::size_t a = 0; a < shares.size(); ++a) {
      const double here = shares[a] * number * solid_volume;
      shell.halo_count[a] += 0.5 * (below[a] + here) * step;
      shell.cumulative[a].push_back(shell.halo_count[a]);
      below[a] = here;
    }
  }
  for (std::size_t a = 0; a < bias_nodes.size(); ++a)
    for (double& value : shell.cumulative[a]) value /= std::max(shell.halo_count[a], 1e-300);
  // Matter as a whole is unbiased.
  const double rest = 1.0 - shell.halo_fraction;
  const NodeShares shares = mixture((1.0 - biased) / rest);
  for (std::size_t a = 0; a < shares.size(); ++a) shell.smooth[a] = rest * shares[a];
  return shell;
}

double Subhaloes::moment(int power) {
  const double exponent = power - slope;
  return (std::pow(high, exponent) - std::pow(low, exponent)) / exponent;
}

HaloShells::Profile HaloShells::profile(const Shell& shell, std::size_t i, double ln_k) const {
  // Gauss-Hermite: the mean over a normal ln c.
  constexpr std::array<double, 3> place{-1.7320508075688772, 0.0, 1.7320508075688772};
  constexpr std::array<double, 3> share{1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0};
  const ProfileTable& table = profile_table();
  const auto& haloes = shell.haloes;
  const double pixels = haloes.radius[i] / (shell.distance * pixel_), ln_radius = std::log(haloes.radius[i]);
  const double core = pixels > painted_radius ? shapes_.core : 0.0;
  const double subhaloes = pixels > substructured_radius ? shapes_.subhaloes : 0.0;
  const double scatter = options_.concentration_scatter;
  Profile mean{};
  for (std::size_t q = 0; q < place.size(); ++q) {
    const double ln_c = std::log(haloes.concentration[i]) + scatter * place[q] - 0.5 * scatter * scatter;
    double u = table(ln_k + ln_radius - ln_c, ln_c), self = 0.0;
    if (subhaloes > 0.0) {
      // Subhaloes lie as the host's mass does, and each has its own square besides.
      const double typical = std::cbrt(Subhaloes::moment(2) / Subhaloes::moment(1));
      const double sub = table(ln_k + ln_radius + std::log(Subhaloes::tidal * typical) - ln_c, ln_c);
      self = subhaloes * Subhaloes::moment(2) / Subhaloes::moment(1) * sub * sub * (1.0 - u * u);
      u *= 1.0 - subhaloes + subhaloes * sub;
    }
    if (core > 0.0)
      u = u * (1.0 - core) + core * table(ln_k + ln_radius + std::log(core_radius) - ln_c, ln_c);
    mean.first += share[q] * u;
    mean.second += share[q] * (u * u + self);
  }
  return mean;
}

HaloShells::Terms HaloShells::terms(const Shell& shell, double matter_density) const {
  constexpr std::size_t stride = 8;  // the terms are smooth in ell: tabulated and interpolated
  const double solid_volume = shell.distance * shell.distance * shell.thickness;
  const auto& haloes = shell.haloes;
  std::vector<double> coarse_ell, one_halo;
  std::array<std::vector<double>, bias_nodes.size()> amplitude;
  for (std::size_t l = 0; l < ell().size(); l += stride) {
    const double ln_k = std::log(ell()[l] / shell.distance);
    double single = 0.0;
    NodeShares sum = shell.smooth;
    for (std::size_t i = 0; i < haloes.mass.size(); ++i) {
      const auto [first, second] = profile(shell, i, ln_k);
      const double mass = haloes.mass[i] / matter_density;
      const double number = haloes.number[i] * mass_step(haloes, i);
      single += number * mass * mass * second / solid_volume;
      const NodeShares mix = mixture(haloes.bias[i]);
      for (std::size_t a = 0; a < mix.size(); ++a) sum[a] += mix[a] * number * mass * first;
    }
    coarse_ell.push_back(std::log(ell()[l]));
    one_halo.push_back(single);
    for (std::size_t a = 0; a < sum.size(); ++a) amplitude[a].push_back(sum[a]);
  }
  Terms result;
  for (const double l : ell()) {
    result.one_halo.push_back(theory::interpolate(coarse_ell, one_halo, std::log(l)));
    for (std::size_t a = 0; a < amplitude.size(); ++a)
      result.amplitude[a].push_back(theory::interpolate(coarse_ell, amplitude[a], std::log(l)));
  }
  return result;
}

std::vector<double> HaloShells::correlation(const std::vector<double>& c_ell) const {
  std::vector<double> xi = hankel_.correlation(c_ell);
  // Below any scale of the field the correlation is level; there the transform's rounding would show.
  const auto& theta = hankel_.theta();
  const auto level = std::lower_bound(theta.begin(), theta.end(), 0.01 / highest_field_ell);
  std::fill(xi.begin(), xi.begin() + (level - theta.begin()),
            xi[static_cast<std::size_t>(level - theta.begin())]);
  return xi;
}

std::vector<double> HaloShells::two_halo(const Terms& terms, const std::vector<double>& xi) const {
  std::vector<double> result(xi.size(), 0.0), moment(xi.size());
  for (std::size_t a = 0; a < bias_nodes.size(); ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      const double exponent = bias_nodes[a] * bias_nodes[b];
      std::transform(xi.begin(), xi.end(), moment.begin(),
                     [&](double x) { return std::expm1(exponent * x); });
      const std::vector<double> power = hankel_.power(moment);
      const double pairs = a == b ? 1.0 : 2.0;
      for (std::size_t l = 0; l < result.size(); ++l)
        result[l] += pairs * terms.amplitude[a][l] * terms.amplitude[b][l] * power[l];
    }
  return result;
}

void HaloShells::solve(Shell& shell, const Terms& terms, const std::vector<double>& target) const {
  const std::size_t n = target.size();
  const double ell_max = std::numbers::pi / pixel_;
  std::vector<double> wanted(n), cut(n);
  for (std::size_t l = 0; l < n; ++l) {
    const double smoothed = ell()[l] / shell.distance * field_smoothing;
    cut[l] = std::exp(-smoothed * smoothed - std::pow(ell()[l] / std::min(ell_max, highest_field_ell), 8));
    wanted[l] = std::max(target[l] - terms.one_halo[l], 0.0);
  }
  // A lognormal field of bias 1 to begin with.
  std::vector<double> xi = correlation(product(wanted, cut));
  for (double& value : xi) value = std::log1p(std::max(value, -0.9));
  shell.field_power = product(hankel_.power(xi), cut);
  for (double& value : shell.field_power) value = std::max(value, 0.0);
  for (int i = 0; i < iterations; ++i) {
    const std::vector<double> have = two_halo(terms, correlation(shell.field_power));
    shell.field_power = product(shell.field_power, smooth_ratio(product(wanted, cut), product(have, cut)));
  }
}

}  // namespace tessera::simulate
