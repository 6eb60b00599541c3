#include "inference/signal_covariance.hpp"

#include <cmath>

#include "core/error.hpp"

namespace tessera::inference {

SignalCovariance::SignalCovariance(const harmonic::HarmonicBasis& basis,
                                   const std::vector<theory::PowerSpectrum>& spectra, bool pixel_window)
    : modes_(basis.mode_count()), root_(spectra.size() * basis.mode_count()) {
  while (components_ * (components_ + 1) / 2 < spectra.size()) ++components_;
  TESSERA_REQUIRE(!spectra.empty() && components_ * (components_ + 1) / 2 == spectra.size());
  const auto ell = basis.ell();
  const auto window = basis.pixel_window();
  for (std::size_t k = 0; k < modes_; ++k) {
    // The sphere's mean and dipole have no shear, as the plane's mean.
    if (ell[k] == 0.0 || ell[k] == 1.0) continue;
    const double damping = pixel_window ? window[k] * window[k] : 1.0;
    for (std::size_t s = 0; s < spectra.size(); ++s) root_[s * modes_ + k] = damping * spectra[s](ell[k]);
    factorise(k, ell[k]);
  }
}

SignalCovariance::SignalCovariance(const harmonic::HarmonicBasis& basis, std::size_t components,
                                   std::span<const double> spectra)
    : components_(components), modes_(basis.mode_count()) {
  TESSERA_REQUIRE(components_ > 0 && spectra.size() == components_ * modes_);
  root_.assign(components_ * (components_ + 1) / 2 * modes_, 0.0);
  for (std::size_t c = 0; c < components_; ++c)
    for (std::size_t k = 0; k < modes_; ++k)
      root_[index(c, c) * modes_ + k] = std::sqrt(spectra[c * modes_ + k]);
}

void SignalCovariance::factorise(std::size_t mode, double ell) {
  const auto entry = [&](std::size_t r, std::size_t c) -> double& {
    return root_[index(r, c) * modes_ + mode];
  };
  for (std::size_t r = 0; r < components_; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      double rest = entry(r, c);
      for (std::size_t i = 0; i < c; ++i) rest -= entry(r, i) * entry(c, i);
      if (c == r && !(rest >= 0.0))
        fail(
            "the spectra are no covariance at ell = {:.4g} (component {} is over-correlated); mend the cross "
            "spectra",
            ell, r);
      entry(r, c) = c == r ? std::sqrt(rest) : (entry(c, c) > 0.0 ? rest / entry(c, c) : 0.0);
    }
  }
}

void SignalCovariance::apply_root(harmonic::ConstModes white, harmonic::Modes modes) const {
  TESSERA_REQUIRE(white.size() == components_ * modes_ && modes.size() == white.size());
  for (std::size_t k = 0; k < modes_; ++k) {
    for (std::size_t r = components_; r-- > 0;) {
      harmonic::Complex sum = 0.0;
      for (std::size_t c = 0; c <= r; ++c) sum += root_[index(r, c) * modes_ + k] * white[c * modes_ + k];
      modes[r * modes_ + k] = sum;
    }
  }
}

void SignalCovariance::apply_root_adjoint(harmonic::ConstModes modes, harmonic::Modes white) const {
  TESSERA_REQUIRE(modes.size() == components_ * modes_ && white.size() == modes.size());
  for (std::size_t k = 0; k < modes_; ++k) {
    for (std::size_t c = 0; c < components_; ++c) {
      harmonic::Complex sum = 0.0;
      for (std::size_t r = c; r < components_; ++r)
        sum += root_[index(r, c) * modes_ + k] * modes[r * modes_ + k];
      white[c * modes_ + k] = sum;
    }
  }
}

}  // namespace tessera::inference
