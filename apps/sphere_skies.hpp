#pragma once

#include <map>
#include <memory>
#include <optional>

#include "apps/training_run.hpp"
#include "config/options.hpp"
#include "harmonic/sphere_basis.hpp"
#include "io/sky_set.hpp"
#include "simulate/sky_maker.hpp"

namespace tessera::apps {

/// Convergence skies of the whole sphere for training, drawn on the fly; one rank's own.
class SphereSkies {
 public:
  /// alone: a communicator of this rank; it must outlive the skies.
  SphereSkies(const mpi::Communicator& alone, const config::Values& values, std::uint64_t seed);

  /// Sky `number` of a split, all pixels.
  [[nodiscard]] std::vector<double> kappa(io::Split split, std::uint64_t number);

  [[nodiscard]] const harmonic::SphereBasis& basis() const { return *basis_; }
  [[nodiscard]] const theory::PowerSpectrum& spectrum() const { return *spectrum_; }
  [[nodiscard]] bool pixel_averaged() const { return pixel_averaged_; }
  [[nodiscard]] std::string description() const { return description_; }

 private:
  std::uint64_t seed_;
  bool pixel_averaged_;
  std::string description_;
  std::unique_ptr<harmonic::SphereBasis> basis_;
  std::optional<theory::PowerSpectrum> spectrum_;
  std::optional<simulate::SkyMaker> maker_;
};

/// For the card of a network that is trained on them.
[[nodiscard]] SkyFacts facts_of(const SphereSkies& skies);

/// Which sky of the sphere, and which tile of it, an example of a training is. The examples of a step are of
/// different skies, and a sky serves several steps in a row, so that each rank keeps its own skies only.
class SphereSchedule {
 public:
  SphereSchedule(std::uint64_t batch, std::uint64_t tiles_per_sky, std::uint64_t tiles, std::uint64_t seed)
      : batch_(batch), per_sky_(tiles_per_sky), tiles_(tiles), choice_(seed, Purpose::training_example) {}

  [[nodiscard]] std::uint64_t sky(std::uint64_t example) const {
    return example / batch_ / per_sky_ * batch_ + example % batch_;
  }
  /// How many examples of its sky came before it.
  [[nodiscard]] std::uint64_t turn(std::uint64_t example) const { return example / batch_ % per_sky_; }
  [[nodiscard]] std::uint64_t tile(std::uint64_t example) const {
    return static_cast<std::uint64_t>(choice_.uniforms(example)[0] * static_cast<double>(tiles_));
  }
  /// Skies below this one are not needed any more.
  [[nodiscard]] std::uint64_t first_needed(std::uint64_t example) const {
    return example / batch_ / per_sky_ * batch_;
  }

 private:
  std::uint64_t batch_, per_sky_, tiles_;
  RandomStream choice_;
};

/// Keeps what was made of the skies that are in use.
template <class Maps>
class SkyCache {
 public:
  template <class Make>
  const Maps& get(std::uint64_t sky, std::uint64_t first_needed, Make&& make) {
    kept_.erase(kept_.begin(), kept_.lower_bound(first_needed));
    auto found = kept_.find(sky);
    if (found == kept_.end()) found = kept_.emplace(sky, make()).first;
    return found->second;
  }

 private:
  std::map<std::uint64_t, Maps> kept_;
};

}  // namespace tessera::apps
