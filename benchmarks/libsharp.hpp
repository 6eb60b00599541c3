#pragma once

#include <libsharp/sharp.h>
#include <libsharp/sharp_almhelpers.h>
#include <libsharp/sharp_geomhelpers.h>
#include <vector>

#include "benchmarks/timing.hpp"
#include "harmonic/sphere_basis.hpp"

namespace tessera::bench {

/// libsharp alone on the rings of this rank, all in one call.
class Sharp {
 public:
  Sharp(const RingDistribution& rings, int rank, std::uint64_t lmax) {
    std::vector<int> numbers;
    for (std::uint64_t r = rings.first_ring(rank); r < rings.first_ring(rank + 1); ++r)
      numbers.push_back(static_cast<int>(rings.rings()[r].number));
    sharp_make_subset_healpix_geom_info(static_cast<int>(rings.nside()), 1, static_cast<int>(numbers.size()),
                                        numbers.data(), nullptr, &geometry_);
    sharp_make_triangular_alm_info(static_cast<int>(lmax), static_cast<int>(lmax), 1, &modes_);
  }
  ~Sharp() {
    sharp_destroy_geom_info(geometry_);
    sharp_destroy_alm_info(modes_);
  }
  Sharp(const Sharp&) = delete;
  Sharp& operator=(const Sharp&) = delete;
  Sharp(Sharp&&) = delete;
  Sharp& operator=(Sharp&&) = delete;

  void run(sharp_jobtype job, int spin, std::vector<harmonic::Complex>& a, std::vector<double>& maps) const {
    void* alm[2] = {a.data(), a.data() + a.size() / 2};
    void* map[2] = {maps.data(), maps.data() + maps.size() / 2};
    sharp_execute(job, spin, static_cast<void*>(alm), static_cast<void*>(map), geometry_, modes_, SHARP_DP,
                  nullptr, nullptr);
  }

 private:
  sharp_geom_info* geometry_ = nullptr;
  sharp_alm_info* modes_ = nullptr;
};

/// Seconds of libsharp's own transforms on the rings of a rank.
struct SharpTimes {
  double synthesis, adjoint, scalar, scalar_adjoint;  // the first two of spin 2
};

inline SharpTimes sharp_times(const mpi::Communicator& comm, const harmonic::SphereBasis& basis,
                              int repeats) {
  const Sharp sharp(basis.rings(), comm.rank(), basis.lmax());
  std::vector<harmonic::Complex> modes((basis.lmax() + 1) * (basis.lmax() + 2), 1.0);  // two vectors of all
  std::vector<double> maps(2 * basis.pixel_count());
  const auto time = [&](sharp_jobtype job, int spin) {
    return seconds(comm, repeats, [&] { sharp.run(job, spin, modes, maps); });
  };
  return {time(SHARP_Y, 2), time(SHARP_Yt, 2), time(SHARP_Y, 0), time(SHARP_Yt, 0)};
}

}  // namespace tessera::bench
