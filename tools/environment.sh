# Sourced by the scripts here: Debian's own compiler, MPI and Python, whatever else the environment offers.
export PATH=/usr/bin:/bin:$PATH
unset CC CXX CONDA_PREFIX VIRTUAL_ENV CMAKE_PREFIX_PATH PKG_CONFIG_PATH PYTHONHOME PYTHONPATH
# Open MPI as root, in containers and on few cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMP_NUM_THREADS=1 MPLBACKEND=Agg

# nproc takes OMP_NUM_THREADS for the number of cores.
cores() { env -u OMP_NUM_THREADS nproc; }

# configure_and_build [TARGET...]: the release preset, in build/.
configure_and_build() {
  cmake --preset release -DPython3_EXECUTABLE=/usr/bin/python3 --no-warn-unused-cli
  cmake --build build --parallel "$(cores)" "${@/#/--target=}"
}
