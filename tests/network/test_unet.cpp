// torch defines CHECK, as Catch does.
#include <torch/torch.h>
#undef CHECK

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "network/unet.hpp"

using namespace tessera;
using network::UNet;
using network::UNetOptions;

namespace {

/// A network whose every weight matters.
UNet random_unet(const UNetOptions& options) {
  torch::manual_seed(3);
  UNet net(options);
  torch::NoGradGuard guard;
  for (torch::Tensor& parameter : net->parameters()) parameter.normal_(0.0, 0.2);
  return net;
}

const std::vector<UNetOptions> shapes{
    {3, 1, {8, 12, 16}, 1}, {2, 2, {6, 10}, 2}, {1, 1, {5}, 1}, {3, 1, {4, 4, 4, 4}, 1}};

}  // namespace

TEST_CASE("an untrained network returns zero") {
  for (const UNetOptions& shape : shapes) {
    UNet net(shape);
    const auto maps = torch::randn({2, shape.inputs, 32, 16});
    const auto out = net->forward(maps);
    REQUIRE(out.sizes() == torch::IntArrayRef({2, shape.outputs, 32, 16}));
    CHECK(out.abs().max().item<float>() == 0.0F);
  }
}

TEST_CASE("no input reaches further than the receptive radius, and some reach nearly as far") {
  torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
  for (const UNetOptions& shape : shapes) {
    UNet net = random_unet(shape);
    const std::int64_t radius = net->receptive_radius(), align = net->alignment();
    const std::int64_t side = (2 * radius + 6 * align) / align * align;
    const std::int64_t middle = side / 2;
    std::int64_t farthest = 0;
    for (std::int64_t offset = 0; offset < align; ++offset) {
      auto maps = torch::randn({1, shape.inputs, side, side}).requires_grad_(true);
      net->forward(maps).index({0, 0, middle + offset, middle}).backward();
      const auto reached = maps.grad().abs().sum(1).squeeze(0).sum(1).nonzero().squeeze(1);
      farthest = std::max({farthest, middle + offset - reached.min().item<std::int64_t>(),
                           reached.max().item<std::int64_t>() - middle - offset});
    }
    INFO("radius " << radius << ", reached " << farthest);
    CHECK(farthest <= radius);
    CHECK(farthest >= radius - 2 * align);
  }
  torch::set_default_dtype(caffe2::TypeMeta::Make<float>());
}

TEST_CASE("a window with a halo of the receptive radius gives the values of the whole map") {
  for (const UNetOptions& shape : shapes) {
    UNet net = random_unet(shape);
    torch::NoGradGuard guard;
    const std::int64_t align = net->alignment();
    const std::int64_t halo = (net->receptive_radius() + align - 1) / align * align;
    const std::int64_t core = 2 * align, side = 4 * halo + 8 * align;
    const auto whole_in = torch::randn({1, shape.inputs, side, side});
    const auto whole = net->forward(whole_in);
    const std::int64_t y = halo + align, x = halo + 3 * align;
    const auto window = whole_in.slice(2, y - halo, y + core + halo).slice(3, x - halo, x + core + halo);
    const auto part = net->forward(window).slice(2, halo, halo + core).slice(3, halo, halo + core);
    const auto expected = whole.slice(2, y, y + core).slice(3, x, x + core);
    const double scale = expected.abs().max().item<double>();
    CHECK(scale > 0.0);
    CHECK((part - expected).abs().max().item<double>() <= 1e-5 * scale);
  }
}

TEST_CASE("the floating-point operations of a forward pass are counted") {
  // One level, one block: first 3 -> 4, two of 4 -> 4, last 4 -> 1, nine taps each.
  CHECK(UNet(UNetOptions{3, 1, {4}, 1})->flops_per_pixel() == Approx(2.0 * 9.0 * (12 + 32 + 4)));
  // Two levels: 4 -> 4 four times at full, 6 -> 6 twice at half resolution, 4 -> 6 and 6 -> 4 there with one
  // tap.
  CHECK(UNet(UNetOptions{1, 1, {4, 6}, 1})->flops_per_pixel() ==
        Approx(2.0 * (9.0 * (4 + 64 + 4) + 0.25 * 9.0 * 72 + 0.25 * 48)));
}

TEST_CASE("maps of a wrong shape are refused") {
  UNet net(UNetOptions{3, 1, {4, 4, 4}, 1});
  CHECK_THROWS_AS(net->forward(torch::zeros({1, 2, 16, 16})), ContractViolation);
  CHECK_THROWS_AS(net->forward(torch::zeros({1, 3, 18, 16})), ContractViolation);
}
