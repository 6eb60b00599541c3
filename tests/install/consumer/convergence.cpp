// Kaiser-Squires of a shear in closed form on a periodic box of 25 x 21 pixels of 1 arcmin, on any number of
// ranks; prints the mean squares of the E and the B mode. test_install.py computes them with numpy.
#include <cmath>
#include <cstdio>
#include <vector>

#include "harmonic/plane_basis.hpp"
#include "inference/kaiser_squires.hpp"
#include "mpi/communicator.hpp"
#include "sky/angles.hpp"

int main(int argc, char** argv) {
  const tessera::mpi::Environment environment(argc, argv);
  const tessera::mpi::Communicator comm;
  const double pixel = tessera::radians_per_arcmin;
  const tessera::harmonic::PlaneBasis basis(comm, {25, 21}, pixel);

  std::vector<double> gamma1(basis.pixel_count()), gamma2(basis.pixel_count());
  for (std::size_t i = 0; i < gamma1.size(); ++i) {
    const double place = static_cast<double>(basis.first_pixel() + i);
    gamma1[i] = std::sin(0.1 * place * place);
    gamma2[i] = std::cos(1.7 * place);
  }
  std::vector<double> kappa_e(gamma1.size()), kappa_b(gamma1.size());
  tessera::inference::kaiser_squires(basis, gamma1, gamma2, 0.7 * pixel, kappa_e, kappa_b);

  const auto pixels = static_cast<double>(basis.total_pixels());
  const double e = basis.dot(tessera::harmonic::ConstPixels(kappa_e), kappa_e) / pixels;
  const double b = basis.dot(tessera::harmonic::ConstPixels(kappa_b), kappa_b) / pixels;
  if (comm.is_root()) std::printf("%.17g %.17g\n", e, b);
  return 0;
}
