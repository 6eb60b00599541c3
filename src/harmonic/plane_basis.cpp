#include "harmonic/plane_basis.hpp"

#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "harmonic/sum_of_products.hpp"

namespace tessera::harmonic {
namespace {

/// Frequency of FFT index i of n: 0, 1, ..., then the negative ones; the Nyquist frequency of an even n is
/// -n/2.
double frequency(std::uint64_t i, std::uint64_t n) {
  return i < (n + 1) / 2 ? static_cast<double>(i) : static_cast<double>(i) - static_cast<double>(n);
}

bool is_nyquist(std::uint64_t i, std::uint64_t n) { return n % 2 == 0 && i == n / 2; }

/// Distance of two modes along an axis of n pixels.
double step(std::uint64_t n, double pixel) {
  return 2.0 * std::numbers::pi / (static_cast<double>(n) * pixel);
}

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(x) / x; }

/// A column whose modes ky and -ky are conjugate, both stored; other columns stand for their mirror image
/// too.
bool is_self_conjugate(std::uint64_t column, std::uint64_t nx) {
  return column == 0 || is_nyquist(column, nx);
}

}  // namespace

PlaneBasis::PlaneBasis(const mpi::Communicator& comm, PaddedBox box, double pixel)
    : comm_(&comm),
      fft_(comm, box.nx, box.ny),
      pixel_(pixel),
      norm_(1.0 / (pixel * std::sqrt(static_cast<double>(box.nx) * static_cast<double>(box.ny)))),
      column_sum_(comm, fft_.columns(), fft_.first_column()),
      row_sum_(comm, box.ny, fft_.first_row()) {
  tabulate_modes();
}

void PlaneBasis::tabulate_modes() {
  const std::size_t count = fft_.local_columns() * ny();
  ell_.resize(count);
  window_.resize(count);
  for (std::uint64_t column = 0; column < fft_.local_columns(); ++column) {
    const std::uint64_t i = fft_.first_column() + column;
    const double lx = step(nx(), pixel_) * static_cast<double>(i);
    for (std::uint64_t j = 0; j < ny(); ++j) {
      const std::size_t k = column * ny() + j;
      const double ly = step(ny(), pixel_) * frequency(j, ny());
      ell_[k] = std::sqrt(lx * lx + ly * ly);
      window_[k] = sinc(0.5 * lx * pixel_) * sinc(0.5 * ly * pixel_);
    }
  }
}

void PlaneBasis::prepare_shear() const {
  const std::size_t count = mode_count();
  if (first_.size() == count && count > 0) return;
  for (auto* table : {&cos2phi_, &sin2phi_}) table->resize(count);
  first_.resize(count);
  second_.resize(count);
  for (std::uint64_t column = 0; column < fft_.local_columns(); ++column) {
    const std::uint64_t i = fft_.first_column() + column;
    const double lx = step(nx(), pixel_) * static_cast<double>(i);
    for (std::uint64_t j = 0; j < ny(); ++j) {
      const std::size_t k = column * ny() + j;
      const double ly = step(ny(), pixel_) * frequency(j, ny());
      const double ell2 = lx * lx + ly * ly;
      if (ell2 == 0.0) continue;
      cos2phi_[k] = (lx * lx - ly * ly) / ell2;
      // Odd in lx and in ly: a real map cannot hold it on a Nyquist line, where +l and -l are one mode.
      const bool nyquist = is_nyquist(i, nx()) || is_nyquist(j, ny());
      sin2phi_[k] = nyquist ? 0.0 : 2.0 * lx * ly / ell2;
    }
  }
}

EllRange PlaneBasis::ell_range(PaddedBox box, double pixel) {
  const double side = pixel * static_cast<double>(std::max(box.nx, box.ny));
  const auto highest = [&](std::uint64_t n) {
    const std::uint64_t nyquist = n / 2;
    return 2.0 * std::numbers::pi * static_cast<double>(nyquist) / (static_cast<double>(n) * pixel);
  };
  return {2.0 * std::numbers::pi / side, std::hypot(highest(box.nx), highest(box.ny))};
}

void PlaneBasis::synthesis(ConstModes modes, Pixels field) const {
  TESSERA_REQUIRE(modes.size() == mode_count());
  fft_.backward(modes, field, norm_);
}

void PlaneBasis::synthesis_adjoint(ConstPixels field, Modes modes) const {
  fft_.forward(field, modes);
  for (Complex& mode : modes) mode *= norm_;
}

void PlaneBasis::shear_synthesis(ConstModes e_modes, ConstModes b_modes, Pixels gamma1, Pixels gamma2) const {
  TESSERA_REQUIRE(e_modes.size() == mode_count() && (b_modes.empty() || b_modes.size() == mode_count()));
  prepare_shear();
  for (std::size_t k = 0; k < e_modes.size(); ++k) {
    const Complex e = norm_ * e_modes[k];
    first_[k] = cos2phi_[k] * e;
    second_[k] = sin2phi_[k] * e;
  }
  for (std::size_t k = 0; k < b_modes.size(); ++k) {
    const Complex b = norm_ * b_modes[k];
    first_[k] -= sin2phi_[k] * b;
    second_[k] += cos2phi_[k] * b;
  }
  fft_.backward(first_, gamma1);
  fft_.backward(second_, gamma2);
}

void PlaneBasis::shear_synthesis_adjoint(ConstPixels gamma1, ConstPixels gamma2, Modes e_modes,
                                         Modes b_modes) const {
  TESSERA_REQUIRE(e_modes.size() == mode_count() && (b_modes.empty() || b_modes.size() == mode_count()));
  prepare_shear();
  fft_.forward(gamma1, first_);
  fft_.forward(gamma2, second_);
  for (std::size_t k = 0; k < e_modes.size(); ++k)
    e_modes[k] = norm_ * (cos2phi_[k] * first_[k] + sin2phi_[k] * second_[k]);
  for (std::size_t k = 0; k < b_modes.size(); ++k)
    b_modes[k] = norm_ * (cos2phi_[k] * second_[k] - sin2phi_[k] * first_[k]);
}

double PlaneBasis::dot(ConstModes a, ConstModes b) const {
  TESSERA_REQUIRE(a.size() == mode_count() && b.size() == mode_count());
  std::vector<double> partial(fft_.local_columns());
  const auto* const x = reinterpret_cast<const double*>(a.data());
  const auto* const y = reinterpret_cast<const double*>(b.data());
  const std::size_t reals = 2 * ny();
  for (std::uint64_t column = 0; column < partial.size(); ++column) {
    const double sum = sum_of_products(x + column * reals, y + column * reals, reals);
    partial[column] = is_self_conjugate(fft_.first_column() + column, nx()) ? sum : 2.0 * sum;
  }
  return column_sum_(partial);
}

double PlaneBasis::dot(ConstPixels f, ConstPixels g) const {
  TESSERA_REQUIRE(f.size() == pixel_count() && g.size() == pixel_count());
  std::vector<double> partial(local_rows());
  for (std::uint64_t row = 0; row < partial.size(); ++row)
    partial[row] = sum_of_products(f.data() + row * nx(), g.data() + row * nx(), nx());
  return row_sum_(partial);
}

void PlaneBasis::white_noise(const RandomStream& stream, Modes modes) const {
  TESSERA_REQUIRE(modes.size() == mode_count());
  for (std::uint64_t column = 0; column < fft_.local_columns(); ++column) {
    const std::uint64_t i = fft_.first_column() + column;
    const Modes values = modes.subspan(column * ny(), ny());
    for (std::uint64_t j = 0; j < ny(); ++j) {
      const auto [re, im] = stream.normals(i * ny() + j);
      values[j] = std::numbers::sqrt2 * 0.5 * Complex(re, im);
    }
    if (!is_self_conjugate(i, nx())) continue;
    for (std::uint64_t j = 0; j <= ny() / 2; ++j) {
      const std::uint64_t mirror = j == 0 ? 0 : ny() - j;
      if (mirror == j)
        values[j] = std::numbers::sqrt2 * values[j].real();
      else
        values[mirror] = std::conj(values[j]);
    }
  }
}

void PlaneBasis::white_noise(const RandomStream& stream, Pixels field) const {
  TESSERA_REQUIRE(field.size() == pixel_count());
  for (std::size_t p = 0; p < field.size(); ++p) field[p] = stream.normals(first_pixel() + p)[0];
}

std::vector<double> PlaneBasis::transformed_correlation(std::span<const double> power,
                                                        const std::function<double(double)>& f) const {
  TESSERA_REQUIRE(power.size() == mode_count());
  // The correlation between pixel 0 and every pixel: on the periodic plane all there is to know.
  std::vector<Complex> modes(power.size());
  for (std::size_t k = 0; k < modes.size(); ++k) modes[k] = norm_ * power[k];
  std::vector<double> xi(pixel_count());
  synthesis(modes, xi);
  for (double& value : xi) value = f(value);
  synthesis_adjoint(xi, modes);
  std::vector<double> result(modes.size());
  for (std::size_t k = 0; k < modes.size(); ++k) result[k] = pixel_area() / norm_ * modes[k].real();
  return result;
}

}  // namespace tessera::harmonic
