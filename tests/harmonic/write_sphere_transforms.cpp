// Writes white noise as modes of the sphere, the maps made of it and what the transposes make of those, for
// tests/oracle/check_sphere_transforms.py: write_sphere_transforms FILE.h5 NSIDE LMAX.
#include <iostream>
#include <string>

#include "harmonic/sphere_basis.hpp"
#include "survey/survey_sky.hpp"

using namespace tessera;
using harmonic::Complex;

namespace {

std::vector<Complex> noise(const harmonic::HarmonicBasis& basis, std::uint32_t realisation) {
  std::vector<Complex> modes(basis.mode_count());
  basis.white_noise(RandomStream(1, Purpose::test, realisation), harmonic::Modes(modes));
  return modes;
}

/// [2 mode + (0 real, 1 imaginary)], of all ranks.
void write_modes(io::MapWriter& writer, const std::string& name, const std::vector<Complex>& modes) {
  std::vector<double> parts;
  for (const Complex& mode : modes) parts.insert(parts.end(), {mode.real(), mode.imag()});
  writer.write_column(name, parts, {"1", "modes"});
}

void write_transforms(const mpi::Communicator& comm, const std::string& path, std::uint64_t nside,
                      std::uint64_t lmax) {
  const auto sky = survey::sphere_sky(comm, nside, lmax, nside);
  const harmonic::HarmonicBasis& basis = sky->basis();
  const std::size_t pixels = basis.pixel_count();
  sky->set_footprint(std::vector<double>(pixels, 1.0));
  const auto e = noise(basis, 0), b = noise(basis, 1);
  std::vector<double> kappa(pixels), gamma1(pixels), gamma2(pixels);
  std::vector<Complex> adjoint(e.size()), adjoint_e(e.size()), adjoint_b(e.size());
  basis.synthesis(e, kappa);
  basis.shear_synthesis(e, b, gamma1, gamma2);
  basis.synthesis_adjoint(kappa, adjoint);
  basis.shear_synthesis_adjoint(gamma1, gamma2, adjoint_e, adjoint_b);

  constexpr std::uint64_t datasets = 8;
  io::AtomicFile file(comm, path, true);
  const std::uint64_t modes = comm.sum(static_cast<std::uint64_t>(basis.mode_count()));
  io::MapWriter writer(comm, file, static_cast<double>(3 * sky->stored_pixels() + 2 * 5 * modes), datasets);
  sky->describe(writer);
  const auto write = [&](const char* name, const std::vector<double>& map) {
    writer.write_map(name, sky->shape(), sky->stored(map), {"1", "map"});
  };
  write("/maps/kappa", kappa);
  write("/maps/gamma1", gamma1);
  write("/maps/gamma2", gamma2);
  write_modes(writer, "/modes/e", e);
  write_modes(writer, "/modes/b", b);
  write_modes(writer, "/modes/adjoint", adjoint);
  write_modes(writer, "/modes/adjoint_e", adjoint_e);
  write_modes(writer, "/modes/adjoint_b", adjoint_b);
  writer.commit();
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  if (argc != 4) return 2;
  try {
    const mpi::Communicator comm;
    write_transforms(comm, argv[1], std::stoull(argv[2]), std::stoull(argv[3]));
  } catch (const std::exception& problem) {
    std::cerr << "error: " << problem.what() << '\n';
    return 1;
  }
  return 0;
}
