#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exchange/tiling.hpp"
#include "harmonic/harmonic_basis.hpp"
#include "io/map_writer.hpp"
#include "sky/sky_pixels.hpp"

namespace tessera::survey {

using harmonic::ConstPixels;

/// The sky that a survey is mapped on, plane or sphere: its transform, the pixels that galaxies fall into,
/// its tiles, and how its maps lie in files. Maps are this rank's pixels in the order of the basis unless
/// said otherwise.
class SurveySky {
 public:
  SurveySky() = default;
  SurveySky(const SurveySky&) = delete;
  SurveySky& operator=(const SurveySky&) = delete;
  SurveySky(SurveySky&&) = delete;
  SurveySky& operator=(SurveySky&&) = delete;
  virtual ~SurveySky() = default;

  [[nodiscard]] virtual const harmonic::HarmonicBasis& basis() const = 0;
  [[nodiscard]] virtual const SkyPixels& pixels() const = 0;
  [[nodiscard]] const mpi::Communicator& comm() const { return basis().comm(); }
  [[nodiscard]] double pixel_radians() const;
  [[nodiscard]] double pixel_arcmin() const { return pixel_radians() / radians_per_arcmin; }

  /// Band limit of the sphere's transform; 0 on the plane, which has none.
  [[nodiscard]] virtual std::uint64_t lmax() const = 0;

  /// Edges of bands of multipoles, a factor of two each, over all that the maps hold.
  [[nodiscard]] virtual std::vector<double> band_edges() const = 0;

  /// For people: what it is.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Blocks of rings, on which the order of the pixels and the last bits of sums depend (RingDistribution); 0
  /// on the plane.
  [[nodiscard]] virtual std::uint64_t ring_blocks() const = 0;

  /// Says where data are, observed > 0: on the sphere tiles without any are not stored. Once, before maps are
  /// written. Collective.
  virtual void set_footprint(ConstPixels observed) = 0;

  /// Tiles over the pixels where `where` > 0 (on the plane over the field). Collective.
  [[nodiscard]] virtual exchange::Tiling tiling(const exchange::TileNeeds& needs,
                                                ConstPixels where) const = 0;

  /// How maps lie in files, and this rank's part of one. stored() is collective.
  [[nodiscard]] virtual const io::MapShape& shape() const = 0;
  [[nodiscard]] virtual std::vector<double> stored(ConstPixels map) const = 0;
  /// The number of pixels stored over all ranks.
  [[nodiscard]] std::uint64_t stored_pixels() const;

  /// Writes what readers must know to place the pixels. Collective.
  virtual void describe(io::MapWriter& writer) const = 0;

  /// Direction of this rank's pixel, its number for people ([y nx + x] or NESTED), and whether its neighbours
  /// all belong to the sky.
  [[nodiscard]] virtual SkyPosition position(std::size_t pixel) const = 0;
  [[nodiscard]] virtual std::uint64_t number(std::size_t pixel) const = 0;
  [[nodiscard]] virtual bool is_inner(std::size_t pixel) const = 0;

  /// This rank's pixels of a lattice over the sky with steps of `distance` or a little more, radians.
  [[nodiscard]] virtual std::vector<std::size_t> spaced(double distance) const = 0;

  /// Values of a map at a few places spread over the survey, the same on every rank. Collective.
  [[nodiscard]] std::vector<double> watched(ConstPixels map) const;
  static constexpr std::size_t watched_places = 16;

 protected:
  /// Places in the order of the basis over all ranks.
  void watch(std::vector<std::uint64_t> places) { places_ = std::move(places); }

 private:
  std::vector<std::uint64_t> places_;
};

/// Finds the pixels that exceed their eight neighbours.
class LocalPeaks {
 public:
  /// where: this rank's pixels; of the sphere the tiles that hold one above 0 are searched. sky must outlive
  /// this. Collective.
  LocalPeaks(const SurveySky& sky, ConstPixels where);

  /// 1 at the peaks of a map, else 0; this rank's pixels. Collective.
  [[nodiscard]] std::vector<double> operator()(ConstPixels map);

 private:
  exchange::TiledWork work_;
};

/// A field of the plane in a periodic box. comm must outlive it. Collective.
[[nodiscard]] std::unique_ptr<SurveySky> plane_sky(const mpi::Communicator& comm, const PlaneGrid& field,
                                                   PaddedBox box);

/// The sphere. tile: side of the tiles that are stored or not, a power of two up to nside. comm must outlive
/// it. least_blocks: see RingDistribution. Collective.
[[nodiscard]] std::unique_ptr<SurveySky> sphere_sky(const mpi::Communicator& comm, std::uint64_t nside,
                                                    std::uint64_t lmax, std::uint64_t tile,
                                                    std::uint64_t least_blocks = 0);

}  // namespace tessera::survey
