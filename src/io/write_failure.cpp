#include "io/write_failure.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include <mpi.h>

#include "core/text.hpp"
#include "core/unfinished_files.hpp"
#include "mpi/agreement.hpp"
#include "mpi/communicator.hpp"

namespace tessera::io {
namespace {

std::string& path_in_work() {
  static std::string path;
  return path;
}

/// An error handler of MPI, whose type it must have.
// NOLINTNEXTLINE(cert-dcl50-cpp,readability-non-const-parameter)
void end_job(MPI_File* file, int* code, ...) {
  if (*file == MPI_FILE_NULL) return;  // it could not be opened, which HDF5 tells
  // Of ranks that fail together, the one that deletes the file speaks.
  if (unfinished_files::delete_all()) {
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    MPI_Error_string(*code, text.data(), &length);
    std::fflush(stdout);
    std::fprintf(stderr,
                 "error: writing '%s' failed (%s); the disk is probably full, or fails: free some space and "
                 "run again\n",
                 path_in_work().c_str(), one_line(text.data()).c_str());
  } else {
    std::this_thread::sleep_for(std::chrono::seconds(10));
  }
  mpi::end_job();
}

}  // namespace

void end_at_failed_write(const std::string& path) {
  path_in_work() = path;
  static bool installed = false;
  if (std::exchange(installed, true)) return;
  // Files that are opened later have the handler of none.
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  mpi::check(MPI_File_create_errhandler(end_job, &handler), "MPI_File_create_errhandler");
  mpi::check(MPI_File_set_errhandler(MPI_FILE_NULL, handler), "MPI_File_set_errhandler");
}

}  // namespace tessera::io
