// Times skies of every kind on N x N pixels of 0.29 arcmin, all ranks on one sky, and prints them against
// their floor: the transforms and, for haloes, the white noise of the shells and the painting of as many
// haloes. usage: mpirun -n R bench_skies [N] [repeats]
#include <cmath>
#include <cstdio>
#include <string>

#include "benchmarks/timing.hpp"
#include "simulate/sky_maker.hpp"
#include "sky/angles.hpp"
#include "theory/interpolate.hpp"

using namespace tessera;
using bench::seconds;

namespace {

simulate::SkyPrior prior(simulate::SkyKind kind) {
  const auto fixed = [](double x) { return simulate::Range{x, x}; };
  const theory::Cosmology c;
  return {{kind},      fixed(c.omega_m), fixed(c.omega_b),
          fixed(c.h),  fixed(c.sigma8),  fixed(c.n_s),
          fixed(1.0),  fixed(0.035),     theory::MassFunction::tinker,
          fixed(3e11), fixed(1.0),       fixed(0.3),
          fixed(0.75), fixed(0.0),       fixed(0.0)};
}

/// As many resolved haloes as a sky has on average, each rank its share, at random places.
std::vector<simulate::PaintedHalo> painted_haloes(const harmonic::PlaneBasis& basis,
                                                  const simulate::HaloShells& shells) {
  const double pixel = std::sqrt(basis.pixel_area());
  const double area = basis.pixel_area() * static_cast<double>(basis.pixel_count());
  const RandomStream random(1, Purpose::test);
  std::vector<simulate::PaintedHalo> haloes;
  std::uint64_t number = basis.first_pixel();
  for (const simulate::Shell& shell : shells.shells())
    for (std::size_t node = 0; node < simulate::bias_nodes.size(); ++node)
      for (double n = 0.5; n < shell.halo_count[node] * area; n += 1.0) {
        const auto [u, v] = random.uniforms(++number);
        const auto [w, turn] = random.uniforms(number, 1);
        const auto halo = shell.halo(node, u);
        const double radius = halo.radius / (shell.distance * pixel);
        if (radius < simulate::painted_radius) continue;
        haloes.push_back(
            {number, v * static_cast<double>(basis.nx()),
             static_cast<double>(basis.first_row()) + w * static_cast<double>(basis.local_rows()), radius,
             halo.concentration, 0.75, turn, 1.0});
      }
  return haloes;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  const mpi::Communicator comm;
  const std::uint64_t n = argc > 1 ? std::stoull(argv[1]) : 720;
  const int repeats = argc > 2 ? std::stoi(argv[2]) : 5;
  const double pixel = 0.29 * radians_per_arcmin;
  const harmonic::PlaneBasis basis(comm, {n, n}, pixel);
  const theory::MatterPower power(theory::Cosmology{});
  const auto sources = theory::SourceDistribution::smail(0.92, 2.0, 1.5);
  const theory::LensingKernel kernel(power.background(), sources.z(), sources.n());
  auto ell = theory::logarithmic_grid(1.0, 2e5, 120);
  auto c_ell = theory::convergence_power(power, kernel, ell);
  const theory::PowerSpectrum spectrum(std::move(ell), std::move(c_ell), "theory");

  const double floor = bench::fftw_seconds(comm, static_cast<std::ptrdiff_t>(n), FFTW_MEASURE);
  std::vector<harmonic::Complex> modes(basis.mode_count());
  std::vector<double> map(basis.pixel_count());
  const double noise = seconds(
      comm, repeats, [&] { basis.white_noise(RandomStream(1, Purpose::test), harmonic::Modes(modes)); });
  const double one = seconds(comm, repeats, [&] { basis.synthesis(modes, map); });
  if (comm.is_root()) {
    std::printf("box %llu^2, %d ranks\n", static_cast<unsigned long long>(n), comm.size());
    std::printf("  FFTW-MPI r2c, measured plan   %9.2f ms\n", 1e3 * floor);
    std::printf("  synthesis                     %9.2f ms\n", 1e3 * one);
    std::printf("  white noise of all modes      %9.2f ms\n", 1e3 * noise);
  }
  for (const auto kind :
       {simulate::SkyKind::gaussian, simulate::SkyKind::lognormal, simulate::SkyKind::halo}) {
    simulate::SkyMaker maker(basis, prior(kind), spectrum, sources, true);
    const auto parameters = maker.draw_parameters(1, 0);
    double prepared = seconds(comm, 1, [&] { static_cast<void>(maker.kappa(parameters, 1, 0)); });
    std::uint32_t sky = 1;
    const double time = seconds(comm, repeats, [&] { static_cast<void>(maker.kappa(parameters, 1, sky++)); });
    prepared -= time;
    // Transforms of a sky: the field; with the correlation function and its spectrum; a shell each, a size
    // class each, smooth and painted matter, and back.
    double transforms = kind == simulate::SkyKind::gaussian ? 1.0 : 3.0, painting = 0.0, shells = 1.0;
    if (kind == simulate::SkyKind::halo) {
      const simulate::HaloShells model(power, kernel, {}, {}, spectrum, pixel);
      const auto haloes = painted_haloes(basis, model);
      painting = seconds(comm, repeats, [&] { simulate::HaloPainter().paint(basis, haloes, map); });
      shells = static_cast<double>(model.shells().size());
      transforms = shells + simulate::HaloSkies::size_classes + 3.0;
      const auto count = comm.sum(static_cast<std::uint64_t>(haloes.size()));
      if (comm.is_root())
        std::printf("  painting %llu haloes         %9.2f ms\n", static_cast<unsigned long long>(count),
                    1e3 * painting);
    }
    const double least = transforms * floor + shells * noise + painting;
    if (comm.is_root())
      std::printf(
          "  %-10s sky %9.1f ms, %6.2f skies/s; floor %8.1f ms (%2.0f transforms), ratio %.2f; before the "
          "first "
          "sky %6.0f ms\n",
          simulate::name_of(kind), 1e3 * time, 1.0 / time, 1e3 * least, transforms, time / least,
          1e3 * prepared);
  }
  comm.barrier();
  return 0;
}
