// Reads a HEALPix map from one FITS file and writes it to another, for tests/oracle/check_healpix_fits.py:
// copy_healpix_fits FROM TO [COLUMN].
#include <iostream>

#include "io/healpix_fits.hpp"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const auto map = tessera::io::read_healpix_fits(argv[1], argc > 3 ? argv[3] : "");
    tessera::io::write_healpix_fits(argv[2], map, "copy", {"mK", "a copy"});
  } catch (const std::exception& problem) {
    std::cerr << "error: " << problem.what() << '\n';
    return 1;
  }
  return 0;
}
