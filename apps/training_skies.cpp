#include "apps/training_skies.hpp"

#include <algorithm>
#include <cmath>

#include "apps/field_options.hpp"
#include "apps/sky_options.hpp"
#include "apps/sky_source.hpp"
#include "core/error.hpp"
#include "core/log.hpp"

namespace tessera::apps {
namespace {

/// The periodic map begun at another pixel.
std::vector<double> rolled(const std::vector<double>& map, std::uint64_t nx, std::uint64_t x,
                           std::uint64_t y) {
  const std::uint64_t ny = map.size() / nx;
  std::vector<double> out(map.size());
  for (std::uint64_t row = 0; row < ny; ++row)
    for (std::uint64_t column = 0; column < nx; ++column)
      out[row * nx + column] = map[(row + y) % ny * nx + (column + x) % nx];
  return out;
}

}  // namespace

TrainingSkies::TrainingSkies(const mpi::Communicator& alone, const config::Values& values, std::uint64_t seed)
    : seed_(seed),
      pixel_arcmin_(values.number("pixel-arcmin", 1e-3, 600.0)),
      pixel_averaged_(values.choice("pixel-window", {"yes", "no"}) == "yes") {
  GridSize size = grid_size(values);
  if (values.has("skies")) {
    open_set(values.text("skies"));
    size = {set_->header().nx, set_->header().ny};
    pixel_arcmin_ = set_->header().pixel_arcmin;
    pixel_averaged_ = set_->header().pixel_averaged;
  }
  const PaddedBox box{size.nx, size.ny};
  const double pixel = PlaneGrid({0.0, 0.0}, size.nx, size.ny, pixel_arcmin_).pixel_radians();
  spectrum_ = spectrum_for(values, box, pixel);
  basis_ = std::make_unique<harmonic::PlaneBasis>(alone, box, pixel);
  if (set_) return;
  maker_.emplace(*basis_, sky_prior(values), *spectrum_, sources(values), pixel_averaged_);
  description_ = fmt::format("{} x {} pixels of {} arcmin drawn on the fly: {}", size.nx, size.ny,
                             pixel_arcmin_, values.text("model"));
}

void TrainingSkies::open_set(const std::string& path) {
  set_.emplace(path);
  const io::SkySetHeader& header = set_->header();
  for (std::uint64_t sky = 0; sky < header.count; ++sky)
    of_split_[static_cast<std::size_t>(set_->tables().split[sky])].push_back(sky);
  constexpr std::array names{"training", "validation", "tests"};
  for (std::size_t split = 0; split < names.size(); ++split)
    if (of_split_[split].empty())
      fail(
          "'{}' has no skies for {}, without which a network can be overfitted unseen; make the set with "
          "--validation "
          "and --test above 0",
          path, names[split]);
  if (!header.periodic)
    log::warn(
        "the skies of '{}' are not periodic; their borders are joined, which costs a little accuracy there",
        path);
  description_ = fmt::format("{} of {} x {} pixels of {} arcmin ({} for training): {}", header.count,
                             header.nx, header.ny, header.pixel_arcmin, of_split_[0].size(), header.source);
}

std::vector<double> TrainingSkies::of_set(io::Split split, std::uint64_t number) const {
  const auto& skies = of_split_[static_cast<std::size_t>(split)];
  const std::uint64_t sky = skies[number % skies.size()];
  std::vector<double> map = set_->read_rows(sky, 0, set_->header().ny);
  require_convergence(map, fmt::format("sky {} of '{}'", sky, set_->path()));
  if (const auto [least, most] = std::minmax_element(map.begin(), map.end()); *least == *most)
    fail("sky {} of '{}' is constant, all {}, and nothing can be learned from it; take it out of the set",
         sky, set_->path(), *least);
  return map;
}

std::uint64_t TrainingSkies::seed_of(io::Split split, std::uint64_t seed) {
  // Held-out skies have seeds of their own: far numbers of one seed would end where a sky takes several.
  return split == io::Split::train
             ? seed
             : RandomStream(seed, Purpose::held_out_sky).seed(static_cast<std::uint64_t>(split));
}

std::vector<double> TrainingSkies::drawn(io::Split split, std::uint64_t number) {
  const auto sky = static_cast<std::uint32_t>(number);
  const std::uint64_t seed = seed_of(split, seed_);
  return maker_->kappa(maker_->draw_parameters(seed, sky), seed, sky);
}

std::vector<double> TrainingSkies::training(std::uint64_t number, double which) {
  if (!set_) return drawn(io::Split::train, number);
  const auto count = static_cast<double>(of_split_[0].size());
  const auto [x, y] = RandomStream(seed_, Purpose::training_example).uniforms(number, 1);
  return rolled(of_set(io::Split::train, static_cast<std::uint64_t>(which * count)), basis_->nx(),
                static_cast<std::uint64_t>(x * static_cast<double>(basis_->nx())),
                static_cast<std::uint64_t>(y * static_cast<double>(basis_->ny())));
}

std::vector<double> TrainingSkies::validation(std::uint64_t number) {
  return set_ ? of_set(io::Split::validation, number) : drawn(io::Split::validation, number);
}

std::vector<double> TrainingSkies::test(std::uint64_t number) {
  return set_ ? of_set(io::Split::test, number) : drawn(io::Split::test, number);
}

}  // namespace tessera::apps
