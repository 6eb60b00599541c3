#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "exchange/exchanger.hpp"
#include "harmonic/plane_basis.hpp"
#include "inference/gaussian_posterior.hpp"
#include "sky/plane_tiles.hpp"

namespace tessera::inference {

/// A tile's window filtered on its own, as a periodic box of the window's size.
struct FilteredTile {
  const harmonic::PlaneBasis& basis;    // of the window, on this rank alone
  std::span<const double> wiener;       // [height][width]
  std::span<const double> noise_sigma;  // [height][width]
};

/// The Wiener filter tile by tile: every rank filters the windows of its own tiles, each with data `halo`
/// pixels around the tile, without communication but for the exchange that brings the data. An approximation:
/// what lies beyond the halo is not seen, and the window's borders meet.
class TileWiener {
 public:
  /// More maps of a window, [map][height][width], made from its Wiener map.
  using Continuation = std::function<std::vector<std::vector<double>>(const FilteredTile&)>;

  /// pixel: side in radians. blend: at most the tile's side and twice its halo. comm must outlive the object.
  /// Collective.
  TileWiener(const mpi::Communicator& comm, const PlaneTiles& tiles, std::uint64_t blend, double pixel,
             theory::PowerSpectrum spectrum, bool pixel_window);

  struct Result {
    std::vector<std::vector<double>> maps;  // the Wiener map, then `more` maps: this rank's rows of the box,
                                            // zero beyond the field
    bool converged = true;                  // in every tile
    int iterations = 0;                     // most of a tile
  };
  /// gamma1, gamma2, noise_sigma: this rank's rows of the box. `more`: number of maps that `continuation`
  /// returns. observe is called with the part done. Collective.
  [[nodiscard]] Result filter(std::span<const double> gamma1, std::span<const double> gamma2,
                              std::span<const double> noise_sigma, const CgOptions& options, std::size_t more,
                              const Continuation& continuation,
                              const std::function<void(double)>& observe = {});

 private:
  /// What windows of one size share.
  struct Prepared {
    harmonic::PlaneBasis basis;
    ShearOperator shear;
    SignalCovariance signal;
    Prepared(const mpi::Communicator& alone, PaddedBox box, double pixel,
             const theory::PowerSpectrum& spectrum, bool pixel_window)
        : basis(alone, box, pixel), shear(basis), signal(basis, {spectrum}, pixel_window) {}
  };
  const Prepared& prepared(const TileWindow& window);
  [[nodiscard]] static std::vector<double> filter_window(const Prepared& prepared,
                                                         std::span<const double> gamma1,
                                                         std::span<const double> gamma2,
                                                         std::span<const double> noise_sigma,
                                                         const CgOptions& options, Result& result);

  /// Multiplies a window's map with the tile's weight: 1 inside, falling to 0 towards its neighbours, whose
  /// weights add up to 1 with it.
  void weigh(std::uint64_t tile, std::span<double> map) const;

  const mpi::Communicator* comm_;
  mpi::Communicator alone_;
  PlaneTiles tiles_;
  std::uint64_t blend_;
  double pixel_;
  theory::PowerSpectrum spectrum_;
  bool pixel_window_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::unique_ptr<Prepared>> by_size_;
};

}  // namespace tessera::inference
