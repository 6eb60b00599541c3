# Finds what the layers are linked to, but LibTorch (TesseraTorch.cmake). Read by the build and, installed, by
# find_package(tessera): what it makes are imported targets, which an export names without taking them along.

# tessera_imported(NAME INCLUDES folder... LIBRARIES library...): the imported target tessera::NAME.
function(tessera_imported NAME)
  cmake_parse_arguments(IMPORTED "" "" "INCLUDES;LIBRARIES" ${ARGN})
  if(NOT TARGET tessera::${NAME})
    add_library(tessera::${NAME} INTERFACE IMPORTED)
    target_include_directories(tessera::${NAME} INTERFACE ${IMPORTED_INCLUDES})
    target_link_libraries(tessera::${NAME} INTERFACE ${IMPORTED_LIBRARIES})
  endif()
endfunction()

find_package(MPI REQUIRED COMPONENTS C CXX)
find_package(PkgConfig REQUIRED)

set(HDF5_PREFER_PARALLEL TRUE)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 was found without MPI; install libhdf5-openmpi-dev")
endif()
tessera_imported(hdf5 INCLUDES ${HDF5_C_INCLUDE_DIRS} LIBRARIES ${HDF5_C_LIBRARIES} MPI::MPI_CXX)

# FFTW's MPI part has no .pc file and must be linked before fftw3.
pkg_check_modules(FFTW3 REQUIRED IMPORTED_TARGET fftw3)
find_library(FFTW3_MPI_LIBRARY fftw3_mpi REQUIRED)
find_path(FFTW3_MPI_INCLUDE_DIR fftw3-mpi.h REQUIRED)
tessera_imported(fftw INCLUDES ${FFTW3_MPI_INCLUDE_DIR} LIBRARIES ${FFTW3_MPI_LIBRARY} PkgConfig::FFTW3 MPI::MPI_CXX)

pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)

# HEALPix C++ asks for OpenMP's flags, which our sources do without.
pkg_check_modules(HEALPIX REQUIRED healpix_cxx)
tessera_imported(healpix INCLUDES ${HEALPIX_INCLUDE_DIRS} LIBRARIES ${HEALPIX_LINK_LIBRARIES})
pkg_check_modules(SHARP REQUIRED IMPORTED_TARGET libsharp)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
