# Finds everything that cmake/debian-packages.txt installs.
find_package(MPI REQUIRED COMPONENTS C CXX)
find_package(PkgConfig REQUIRED)

set(HDF5_PREFER_PARALLEL TRUE)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 was found without MPI; install libhdf5-openmpi-dev")
endif()
add_library(tessera_hdf5 INTERFACE)
target_include_directories(tessera_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(tessera_hdf5 INTERFACE ${HDF5_C_LIBRARIES} MPI::MPI_CXX)

# FFTW's MPI part has no .pc file and must be linked before fftw3.
pkg_check_modules(FFTW3 REQUIRED IMPORTED_TARGET fftw3)
find_library(FFTW3_MPI_LIBRARY fftw3_mpi REQUIRED)
find_path(FFTW3_MPI_INCLUDE_DIR fftw3-mpi.h REQUIRED)
add_library(tessera_fftw INTERFACE)
target_include_directories(tessera_fftw SYSTEM INTERFACE ${FFTW3_MPI_INCLUDE_DIR})
target_link_libraries(tessera_fftw INTERFACE ${FFTW3_MPI_LIBRARY} PkgConfig::FFTW3 MPI::MPI_CXX)

pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)

# HEALPix C++ asks for OpenMP's flags, which our sources do without.
pkg_check_modules(HEALPIX REQUIRED healpix_cxx)
add_library(tessera_healpix INTERFACE)
target_include_directories(tessera_healpix SYSTEM INTERFACE ${HEALPIX_INCLUDE_DIRS})
target_link_directories(tessera_healpix INTERFACE ${HEALPIX_LIBRARY_DIRS})
target_link_libraries(tessera_healpix INTERFACE ${HEALPIX_LIBRARIES})
pkg_check_modules(SHARP REQUIRED IMPORTED_TARGET libsharp)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

# Only src/network includes torch. Its flags are taken over by hand: the target would force others on its users.
find_package(Torch REQUIRED)
add_library(tessera_torch INTERFACE)
target_include_directories(tessera_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(tessera_torch INTERFACE ${TORCH_LIBRARIES})
