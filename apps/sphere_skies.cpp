#include "apps/sphere_skies.hpp"

#include "apps/field_options.hpp"
#include "apps/sky_options.hpp"
#include "apps/training_skies.hpp"
#include "core/error.hpp"

namespace tessera::apps {

SphereSkies::SphereSkies(const mpi::Communicator& alone, const config::Values& values, std::uint64_t seed)
    : seed_(seed), pixel_averaged_(values.choice("pixel-window", {"yes", "no"}) == "yes") {
  if (values.has("skies"))
    fail("--skies holds plane skies; with --grid healpix leave it out: skies are drawn on the fly");
  const std::uint64_t nside = sphere_nside(values),
                      lmax = values.has("lmax") ? values.count("lmax", 2, 4 * nside) : 2 * nside;
  spectrum_ = spectrum_for(values, harmonic::EllRange{2.0, static_cast<double>(lmax)});
  basis_ = std::make_unique<harmonic::SphereBasis>(alone, nside, lmax);
  maker_.emplace(*basis_, sky_prior(values), *spectrum_, sources(values), pixel_averaged_);
  description_ =
      fmt::format("spheres of nside {}, lmax {}, drawn on the fly: {}", nside, lmax, values.text("model"));
}

SkyFacts facts_of(const SphereSkies& skies) {
  const harmonic::SphereBasis& basis = skies.basis();
  return {skies.description(), basis.grid().pixel_arcmin(), basis.lmax(), &skies.spectrum()};
}

std::vector<double> SphereSkies::kappa(io::Split split, std::uint64_t number) {
  const auto sky = static_cast<std::uint32_t>(number);
  const std::uint64_t seed = TrainingSkies::seed_of(split, seed_);
  return maker_->kappa(maker_->draw_parameters(seed, sky), seed, sky);
}

}  // namespace tessera::apps
