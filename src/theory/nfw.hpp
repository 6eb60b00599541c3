#pragma once

namespace tessera::theory {

// The profile of Navarro, Frenk & White (1996), cut off at the radius of the halo, r = c r_s. Lengths are in
// units of the scale radius r_s.

/// Mass inside c scale radii over 4 pi rho_s r_s^3: ln(1 + c) - c / (1 + c).
[[nodiscard]] double nfw_mass(double c);

/// Fourier transform at wavenumber x (times r_s), 1 at x = 0 (Cooray & Sheth 2002, equation 81).
[[nodiscard]] double nfw_fourier(double x, double c);

/// Surface density at projected radius x > 0 over mass / r_s^2; zero beyond c; its integral over the plane is
/// 1 (Takada & Jain 2003, equation 27).
[[nodiscard]] double nfw_projected(double x, double c);

}  // namespace tessera::theory
