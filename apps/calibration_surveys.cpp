#include "apps/calibration_surveys.hpp"

#include "apps/field_options.hpp"
#include "apps/sphere_skies.hpp"
#include "apps/training_skies.hpp"
#include "core/error.hpp"

namespace tessera::apps {
namespace {

std::uint32_t realisation(std::uint64_t number) {
  return TrainingSkies::first_test + static_cast<std::uint32_t>(number);
}

/// Fields in the corner of skies, in a padded box.
class PlaneSurveys final : public CalibrationSurveys {
 public:
  PlaneSurveys(const mpi::Communicator& alone, const config::Values& values,
               const simulate::SurveyPrior& prior, std::uint64_t surveys, std::uint64_t seed)
      : prior_(prior),
        surveys_(surveys),
        seed_(seed),
        side_(values.count("field", 8, 1 << 16)),
        padding_(values.number("padding", 1.0, 16.0)),
        skies_(alone, values, seed),
        grid_({0.0, 0.0}, side_, side_, skies_.pixel_arcmin()) {
    if (side_ > skies_.basis().nx() || side_ > skies_.basis().ny())
      fail("--field {} is larger than the skies, {} x {} pixels", side_, skies_.basis().nx(),
           skies_.basis().ny());
    corner_ = survey::plane_sky(alone, grid_, {side_, side_});
  }

  [[nodiscard]] posterior::CalibrationField field() const override {
    return posterior::plane_calibration_field(*corner_);
  }
  [[nodiscard]] const theory::PowerSpectrum& spectrum() const override { return skies_.spectrum(); }
  [[nodiscard]] bool pixel_averaged() const override { return skies_.pixel_averaged(); }

  [[nodiscard]] Mock mock(std::uint64_t number) override {
    const std::vector<double> sky = skies_.test(number);
    // The shear is that of the whole sky, of which the field sees a part.
    const simulate::MockSurvey all =
        simulate::observe(skies_.basis(), sky, prior_, seed_, realisation(number));
    return {
        corner_of(sky),
        {all.density, all.sigma_e, corner_of(all.gamma1), corner_of(all.gamma2), corner_of(all.noise_sigma)}};
  }
  [[nodiscard]] std::vector<double> reference(std::uint64_t number) override {
    return corner_of(skies_.test(number + surveys_ / 2 + 1));
  }

  [[nodiscard]] std::unique_ptr<survey::SurveySky> sky(const mpi::Communicator& comm) const override {
    return survey::plane_sky(comm, grid_, padded_box(grid_, padding_));
  }
  [[nodiscard]] std::vector<std::size_t> places(const survey::SurveySky& sky) const override {
    const PaddedBox box = padded_box(grid_, padding_);
    std::vector<std::size_t> places(sky.basis().pixel_count(), beyond_field);
    for (std::size_t p = 0; p < places.size(); ++p) {
      const std::uint64_t pixel = sky.basis().first_pixel() + p, x = pixel % box.nx, y = pixel / box.nx;
      if (x < side_ && y < side_) places[p] = y * side_ + x;
    }
    return places;
  }

 private:
  /// The field of a map of a whole sky.
  [[nodiscard]] std::vector<double> corner_of(const std::vector<double>& sky) const {
    const std::uint64_t nx = skies_.basis().nx();
    std::vector<double> part;
    for (std::uint64_t y = 0; y < side_; ++y)
      part.insert(part.end(), sky.begin() + static_cast<std::ptrdiff_t>(y * nx),
                  sky.begin() + static_cast<std::ptrdiff_t>(y * nx + side_));
    return part;
  }

  simulate::SurveyPrior prior_;
  std::uint64_t surveys_, seed_, side_;
  double padding_;
  TrainingSkies skies_;
  PlaneGrid grid_;
  std::unique_ptr<survey::SurveySky> corner_;
};

/// Whole spheres.
class SphereSurveys final : public CalibrationSurveys {
 public:
  SphereSurveys(const mpi::Communicator& alone, const config::Values& values,
                const simulate::SurveyPrior& prior, std::uint64_t surveys, std::uint64_t seed)
      : prior_(prior),
        surveys_(surveys),
        seed_(seed),
        skies_(alone, values, seed),
        whole_(survey::sphere_sky(alone, skies_.basis().grid().nside(), skies_.basis().lmax(), 1)) {}

  [[nodiscard]] posterior::CalibrationField field() const override {
    return posterior::sphere_calibration_field(*whole_);
  }
  [[nodiscard]] const theory::PowerSpectrum& spectrum() const override { return skies_.spectrum(); }
  [[nodiscard]] bool pixel_averaged() const override { return skies_.pixel_averaged(); }

  [[nodiscard]] Mock mock(std::uint64_t number) override {
    std::vector<double> sky = skies_.kappa(io::Split::test, number);
    simulate::MockSurvey survey = simulate::observe(skies_.basis(), sky, prior_, seed_, realisation(number));
    return {std::move(sky), std::move(survey)};
  }
  [[nodiscard]] std::vector<double> reference(std::uint64_t number) override {
    return skies_.kappa(io::Split::test, number + surveys_ / 2 + 1);
  }

  [[nodiscard]] std::unique_ptr<survey::SurveySky> sky(const mpi::Communicator& comm) const override {
    return survey::sphere_sky(comm, skies_.basis().grid().nside(), skies_.basis().lmax(), 1);
  }
  [[nodiscard]] std::vector<std::size_t> places(const survey::SurveySky& sky) const override {
    const harmonic::SphereBasis& basis = skies_.basis();
    std::vector<std::size_t> places(sky.basis().pixel_count());
    for (std::size_t p = 0; p < places.size(); ++p)
      places[p] = basis.rings().storage_index(basis.grid().ring_index(sky.number(p)));
    return places;
  }

 private:
  simulate::SurveyPrior prior_;
  std::uint64_t surveys_, seed_;
  SphereSkies skies_;
  std::unique_ptr<survey::SurveySky> whole_;
};

}  // namespace

std::unique_ptr<CalibrationSurveys> calibration_surveys(const mpi::Communicator& alone,
                                                        const config::Values& values,
                                                        const simulate::SurveyPrior& prior,
                                                        std::uint64_t surveys, std::uint64_t seed) {
  if (values.choice("grid", {"plane", "healpix"}) == "healpix")
    return std::make_unique<SphereSurveys>(alone, values, prior, surveys, seed);
  return std::make_unique<PlaneSurveys>(alone, values, prior, surveys, seed);
}

}  // namespace tessera::apps
