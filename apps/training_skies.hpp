#pragma once

#include <memory>
#include <optional>

#include "config/options.hpp"
#include "io/sky_set.hpp"
#include "simulate/sky_maker.hpp"

namespace tessera::apps {

/// Convergence skies for training, from the set of --skies or drawn on the fly; one rank's own.
class TrainingSkies {
 public:
  // Numbers of the first survey for validation and test: those for training lie below, and they never meet.
  static constexpr std::uint32_t first_validation = 1U << 23, first_test = 3U << 22;

  /// Seed of the skies of a split, drawn on the fly with `seed`.
  [[nodiscard]] static std::uint64_t seed_of(io::Split split, std::uint64_t seed);

  /// alone: a communicator of this rank; it must outlive the skies. Reads files; not collective beyond it.
  TrainingSkies(const mpi::Communicator& alone, const config::Values& values, std::uint64_t seed);

  /// Sky of training survey `number`, rolled over the periodic box by a random way; `which` in (0, 1) chooses
  /// from a set.
  [[nodiscard]] std::vector<double> training(std::uint64_t number, double which);
  /// Sky of held-out survey `number`; sets are gone through in order, again and again if need be.
  [[nodiscard]] std::vector<double> validation(std::uint64_t number);
  [[nodiscard]] std::vector<double> test(std::uint64_t number);

  [[nodiscard]] const harmonic::PlaneBasis& basis() const { return *basis_; }
  [[nodiscard]] const theory::PowerSpectrum& spectrum() const { return *spectrum_; }
  [[nodiscard]] double pixel_arcmin() const { return pixel_arcmin_; }
  [[nodiscard]] bool pixel_averaged() const { return pixel_averaged_; }
  [[nodiscard]] std::string description() const { return description_; }

 private:
  void open_set(const std::string& path);
  [[nodiscard]] std::vector<double> of_set(io::Split split, std::uint64_t number) const;
  [[nodiscard]] std::vector<double> drawn(io::Split split, std::uint64_t number);

  std::uint64_t seed_;
  double pixel_arcmin_;
  bool pixel_averaged_;
  std::string description_;
  std::optional<io::SkySetReader> set_;
  std::array<std::vector<std::uint64_t>, 3> of_split_;  // numbers of the set's skies by split
  std::unique_ptr<harmonic::PlaneBasis> basis_;
  std::optional<theory::PowerSpectrum> spectrum_;
  std::optional<simulate::SkyMaker> maker_;
};

}  // namespace tessera::apps
