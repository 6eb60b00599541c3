// torch defines CHECK, as Catch does.
#include <torch/torch.h>
#undef CHECK

#include <catch2/catch.hpp>

#include "harmonic/plane_basis.hpp"
#include "network/score.hpp"
#include "network/score_training.hpp"
#include "posterior/pixel_spectrum.hpp"
#include "sky/angles.hpp"

using namespace tessera;
using network::Denoising;
using network::NetworkScore;
using network::UNet;
using posterior::Complex;

namespace {

constexpr double pixel = 1.0 * radians_per_arcmin;

theory::PowerSpectrum spectrum() { return {{1.0, 1e5}, {2e-5, 2e-10}, "test"}; }

UNet score_net(bool random) {
  torch::manual_seed(5);
  UNet net(network::UNetOptions{2, 1, {6, 8}, 1, true});
  const torch::NoGradGuard guard;
  if (random)
    for (torch::Tensor& parameter : net->parameters()) parameter.normal_(0.0, 0.3);
  return net;
}

// The inputs' range is wide by default, and half as wide at the lowest level as at the highest.
network::ModelCard card(double range = 999.0) {
  network::ModelCard made;
  made.kind = "score";
  made.bands = {100.0, 1000.0};
  made.levels = {{0.01, 0.8, 0.0, {0.9, 0.5}, {-0.5 * range, -0.2 * range}, {0.5 * range, 0.1 * range}},
                 {0.1, 0.9, 0.0, {1.0, 0.7}, {-range, -0.4 * range}, {range, 0.2 * range}}};
  return made;
}

struct Field {
  explicit Field(const mpi::Communicator& comm)
      : basis(comm, box, pixel),
        signal(basis, {spectrum()}, true),
        in_pixels(posterior::pixel_spectrum(basis, signal)),
        noisy(basis.mode_count()) {
    basis.white_noise(RandomStream(2, Purpose::test), harmonic::Modes(noisy));
    for (std::size_t k = 0; k < noisy.size(); ++k)
      noisy[k] *= std::sqrt((in_pixels[k] + 0.03 * 0.03) * basis.pixel_area());
  }

  std::vector<double> evaluate(bool random, double sigma, std::uint64_t side, double range = 999.0) {
    const auto net = score_net(random);
    NetworkScore score(basis, in_pixels, net.ptr(), card(range),
                       exchange::plane_tiling(nx, ny, box, network::tile_needs(net->shape(), side),
                                              basis.comm().rank(), basis.comm().size()),
                       {});
    std::vector<Complex> white(noisy.size());
    score.evaluate(noisy, sigma, white);
    std::vector<double> map(basis.pixel_count());
    basis.synthesis(white, map);
    return map;
  }

  static constexpr std::uint64_t nx = 40, ny = 34;
  static constexpr PaddedBox box{60, 48};
  harmonic::PlaneBasis basis;
  inference::SignalCovariance signal;
  std::vector<double> in_pixels;
  std::vector<Complex> noisy;
};

}  // namespace

TEST_CASE(
    "the residual score vanishes untrained, ends with the field, depends on the level and not on tiles") {
  const mpi::Communicator comm;
  Field field(comm);
  for (const double value : field.evaluate(false, 0.03, 64)) REQUIRE(value == 0.0);
  const auto whole = field.evaluate(true, 0.03, 64), tiled = field.evaluate(true, 0.03, 8),
             other = field.evaluate(true, 0.05, 64);
  double largest = 0.0, difference = 0.0, by_level = 0.0, beyond_low = 1e9, beyond_high = -1e9;
  for (std::size_t p = 0; p < whole.size(); ++p) {
    const std::uint64_t y = field.basis.first_row() + p / field.basis.nx(), x = p % field.basis.nx();
    if (x >= Field::nx || y >= Field::ny) {
      beyond_low = std::min(beyond_low, whole[p]);
      beyond_high = std::max(beyond_high, whole[p]);
      continue;
    }
    largest = std::max(largest, std::abs(whole[p]));
    difference = std::max(difference, std::abs(whole[p] - tiled[p]));
    by_level = std::max(by_level, std::abs(whole[p] - other[p]));
  }
  largest = comm.max(largest);
  CHECK(largest > 0.1);
  CHECK(comm.max(difference) < 1e-5 * largest);
  CHECK(comm.max(by_level) > 0.01 * largest);
  // Beyond the field nothing but the mean that was taken away.
  CHECK(comm.max(beyond_high) - comm.min(beyond_low) < 1e-9);
}

TEST_CASE("the score of one window by hand, its inputs held to the range of the card") {
  const mpi::Communicator comm;
  if (comm.size() > 1) return;
  Field field(comm);
  const double range = GENERATE(999.0, 1.5);
  constexpr double sigma = 0.04;
  const double share = std::log(sigma / 0.01) / std::log(0.1 / 0.01), reach = range * (0.5 + 0.5 * share);
  std::vector<double> noisy(field.basis.pixel_count()), gaussian(noisy.size());
  field.basis.synthesis(field.noisy, noisy);
  std::vector<Complex> modes = field.noisy;
  for (std::size_t k = 0; k < modes.size(); ++k)
    modes[k] *= field.in_pixels[k] / (field.in_pixels[k] + sigma * sigma);
  field.basis.synthesis(modes, gaussian);
  const auto tensor = [&](std::vector<double>& map, double unit) {
    return torch::from_blob(map.data(), {Field::box.ny, Field::box.nx}, torch::kDouble) / unit;
  };
  // A pixel far from the field's borders sees the whole neighbourhood that the network does.
  UNet net = score_net(true);
  const torch::NoGradGuard guard;
  const torch::Tensor first = tensor(noisy, std::hypot(0.03, sigma)), second = tensor(gaussian, 0.02);
  CHECK((first.abs().max().item<double>() > reach) == (range < 9.0));
  CHECK((second.max().item<double>() > 0.2 * reach) == (range < 9.0));
  const torch::Tensor maps =
      torch::stack({first.clamp(-reach, reach), second.clamp(-0.4 * reach, 0.2 * reach)}).unsqueeze(0);
  const torch::Tensor out = net->forward(maps.to(torch::kFloat), std::log(sigma / 0.03)).to(torch::kDouble);
  const auto found = field.evaluate(true, sigma, 64, range);
  // Up to the mean over the field, which is taken away.
  const auto at = [&](std::size_t x, std::size_t y) { return found[y * Field::box.nx + x]; };
  CHECK(at(18, 20) - at(22, 17) ==
        Approx((out[0][0][20][18] - out[0][0][17][22]).item<double>()).epsilon(1e-4));
}

TEST_CASE("a card's variance ratio is linear in the logarithms between its levels and bands") {
  const network::ModelCard made = card();
  CHECK(made.variance_ratio(100.0, 0.01) == Approx(0.9));
  CHECK(made.variance_ratio(10.0, 0.001) == Approx(0.9));
  CHECK(made.variance_ratio(1e6, 1.0) == Approx(0.7));
  CHECK(made.variance_ratio(std::sqrt(1e5), 0.01) == Approx(0.7));
  CHECK(made.variance_ratio(1000.0, std::sqrt(1e-3)) == Approx(0.6));
  const auto text = [](network::ModelCard whole) {
    whole.version = whole.skies = whole.command = "test";
    whole.pixel_arcmin = 1.0;
    whole.inputs = 2;
    whole.outputs = whole.alignment = whole.receptive_radius = 1;
    whole.ell = {100.0, 200.0};
    whole.c_ell = {1e-9, 1e-9};
    return whole.text();
  };
  const network::ModelCard again = network::ModelCard::parse(text(made), "memory");
  CHECK(again.variance_ratio(500.0, 0.05) == Approx(made.variance_ratio(500.0, 0.05)).epsilon(1e-4));
  for (const std::size_t input : {0U, 1U}) {
    const auto parsed = again.input_range(input, 0.05), direct = made.input_range(input, 0.05);
    CHECK(parsed.low == Approx(direct.low).epsilon(1e-4));
    CHECK(parsed.high == Approx(direct.high).epsilon(1e-4));
  }
  network::ModelCard turned = made;
  std::swap(turned.levels[1].lowest, turned.levels[1].highest);
  CHECK_THROWS_WITH(network::ModelCard::parse(text(turned), "memory"), Catch::Contains("which is no range"));
}

TEST_CASE(
    "on Gaussian skies the Gaussian denoiser's error is its variance, on others a network learns to do "
    "better") {
  const mpi::Communicator alone(MPI_COMM_SELF);
  const harmonic::PlaneBasis basis(alone, {64, 64}, pixel);
  const Denoising denoising(basis, spectrum(), true, 0.0);
  const inference::SignalCovariance signal(basis, {spectrum()}, true);
  const auto sky = [&](std::uint32_t number, bool gaussian) {
    std::vector<Complex> modes(basis.mode_count());
    basis.white_noise(RandomStream(7, Purpose::test, number), harmonic::Modes(modes));
    signal.apply_root(modes, modes);
    std::vector<double> kappa(basis.pixel_count());
    basis.synthesis(modes, kappa);
    // Of the same variance, but with a tail.
    if (!gaussian)
      for (double& value : kappa) value = 0.02 * (std::exp(0.8 * value / 0.02) - 1.0);
    for (double& value : kappa) value += 5.0;  // the mean is of no account
    return kappa;
  };
  UNet net = score_net(false);
  double sum = 0.0;
  for (std::uint32_t i = 0; i < 12; ++i)
    sum += denoising
               .error_ratio(
                   *net, denoising.example(sky(i, true), 0.02, {3, Purpose::score_noise, i}, net->shape(), 0),
                   {100.0, 1e4})
               .back() /
           12.0;
  CHECK(sum == Approx(1.0).epsilon(0.02));

  // The same loss by either way, and for a turned example.
  const network::Example example =
      denoising.example(sky(1, false), 0.02, {3, Purpose::score_noise, 1}, net->shape(), 0);
  UNet random = score_net(true);
  CHECK(denoising.loss()(*random, example).mean_square ==
        Approx(denoising.error_ratio(*random, example, {100.0, 1e4}).back()).epsilon(1e-4));

  network::TrainingOptions options;
  options.steps = 60;
  options.batch = 1;
  options.warmup = 5;
  options.average = 0.9;
  options.validate = 60;
  network::Trainer trainer(alone, net, denoising.loss(), options);
  std::vector<network::Example> held_out;
  for (std::uint32_t i = 0; i < 4; ++i)
    held_out.push_back(
        denoising.example(sky(100 + i, false), 0.02, {3, Purpose::score_noise, 100 + i}, net->shape(), 0));
  double before = 0.0;
  for (const network::Example& one : held_out) before += denoising.loss()(*net, one).mean_square / 4.0;
  trainer.run(
      [&](std::uint64_t number) {
        const auto n = static_cast<std::uint32_t>(number);
        return denoising.example(sky(200 + n, false), 0.02, {3, Purpose::score_noise, 200 + n}, net->shape(),
                                 static_cast<int>(number % 8));
      },
      held_out, 4, [] {});
  const double after = trainer.state().history.back().validation;
  INFO("loss before " << before << ", after " << after);
  CHECK(after < 0.97 * before);
}
