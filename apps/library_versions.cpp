#include "apps/library_versions.hpp"

#include <gsl/gsl_version.h>

#include <boost/version.hpp>
#include <fftw3.h>
#include <fitsio.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <mpi.h>
#include <spdlog/version.h>

#include "apps/networks.hpp"
#include "core/version.hpp"

namespace tessera::apps {
namespace {

/// Of "Open MPI v4.1.4, package: ..." what comes before the first comma.
std::string mpi_version() {
  std::string version(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  MPI_Get_library_version(version.data(), &length);
  version.resize(static_cast<std::size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

/// "fftw-3.3.10-sse2-avx" without the name.
std::string fftw_version_number() {
  const std::string version(static_cast<const char*>(::fftw_version));
  return version.substr(version.find('-') + 1);
}

std::string cfitsio_version() {
  float version = 0.0F;
  fits_get_version(&version);
  return fmt::format("{:.4g}", version);
}

std::string boost_version() {
  return fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

}  // namespace

std::string library_versions() {
  std::string text = fmt::format("tessera {}\n", version());
  const auto line = [&](const char* name, const std::string& number) {
    text += fmt::format("  {:<14} {}\n", name, number);
  };
  line("MPI", mpi_version());
  line("HDF5", hdf5_version());
  line("FFTW", fftw_version_number());
  line("HEALPix C++", TESSERA_HEALPIX_VERSION);
  line("libsharp", TESSERA_SHARP_VERSION);
  line("CFITSIO", cfitsio_version());
  line("GSL", ::gsl_version);
  line("Boost", boost_version());
  line("fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  line("spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
  line("LibTorch", torch_version());
  text.pop_back();
  return text;
}

}  // namespace tessera::apps
