// torch defines CHECK, as Catch does.
#include <torch/script.h>
#include <torch/torch.h>
#undef CHECK

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "network/model_file.hpp"

using namespace tessera;
using network::ModelCard;
using network::UNet;
namespace fs = std::filesystem;

namespace {

/// A folder of this process, removed at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("tessera-model-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  [[nodiscard]] std::string file(const char* name) const { return (path / name).string(); }
};

ModelCard card() {
  ModelCard c;
  c.kind = "deepmass";
  c.version = "0.1";
  c.skies = "skies of a test";
  c.command = "two\nlines";
  c.pixel_arcmin = 0.29;
  c.noise_low = 0.03;
  c.noise_high = 0.13;
  c.ell = {100.0, 1000.0, 1e4};
  c.c_ell = {1e-8, 1e-9, 1e-11};
  c.inputs = 4;
  c.outputs = 2;
  c.alignment = 2;
  c.receptive_radius = 11;
  c.scores = {{5.0, 32.0, 0.02, 1e-4, 0.97, 0.002, 0.8, 0.01, 0.4, 0.45, 0.003, 0.5, 0.4, 0.75, 0.96, 1.01}};
  return c;
}

UNet random_unet() {
  torch::manual_seed(3);
  UNet net(network::UNetOptions{4, 2, {6, 8}, 1});
  const torch::NoGradGuard guard;
  for (torch::Tensor& parameter : net->parameters()) parameter.normal_(0.0, 0.2);
  return net;
}

void write(const std::string& path, UNet net, const ModelCard& c) {
  const mpi::Communicator alone(MPI_COMM_SELF);
  io::AtomicFile file(alone, path, true);
  io::MapWriter writer(alone, file, 1e4, 4);
  network::write_model(writer, c, *net);
  writer.commit();
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string refusal(const std::string& path, const char* kind = "deepmass") {
  try {
    static_cast<void>(network::load_model(path, kind));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

using Catch::Contains;

/// A TorchScript module that doubles its first two channels, or adds to each pixel the one `reach` rows away.
void write_script(const std::string& path, const std::string& body, const std::string& text) {
  torch::jit::Module module("m");
  module.define("def forward(self, x):\n    " + body + "\n");
  torch::jit::ExtraFilesMap extra;
  if (!text.empty()) extra["tessera_card"] = text;
  module.save(path, extra);
}

}  // namespace

TEST_CASE("a model card comes back from its text") {
  const ModelCard c = card(), back = ModelCard::parse(c.text(), "x");
  CHECK(back.text() == ModelCard::parse(back.text(), "x").text());
  CHECK(back.kind == "deepmass");
  CHECK(back.command == "two lines");
  CHECK(back.ell == c.ell);
  CHECK(back.c_ell == c.c_ell);
  REQUIRE(back.scores.size() == 1);
  CHECK(back.scores[0].ratio == 0.97);
  CHECK(back.scores[0].z_deviation == 1.01);
  CHECK(back.receptive_radius == 11);
}

TEST_CASE("a card refuses what the model was not made for") {
  const ModelCard c = card();
  const theory::PowerSpectrum same({100.0, 1000.0, 1e4}, {1e-8, 1e-9, 1e-11}, "t");
  const theory::PowerSpectrum other({100.0, 1000.0, 1e4}, {1e-8, 1.6e-9, 1e-11}, "t");
  CHECK(reasons_against(c, {0.29, 0.05, &same}).empty());
  CHECK(reasons_against(c, {0.29, 0.0, &same}).empty());
  const auto reason = [&](double pixel, double noise, const theory::PowerSpectrum& spectrum) {
    const auto reasons = reasons_against(c, {pixel, noise, &spectrum});
    REQUIRE(reasons.size() == 1);
    return reasons[0];
  };
  CHECK_THAT(reason(0.4, 0.05, same), Contains("0.4 arcmin") && Contains("0.29"));
  CHECK_THAT(reason(0.29, 0.2, same), Contains("noise") && Contains("0.13"));
  CHECK_THAT(reason(0.29, 0.01, same), Contains("noise"));
  CHECK_THAT(reason(0.29, 0.05, other), Contains("1.6 times") && Contains("ell = 1000"));
}

TEST_CASE("a written model has the outputs of the one that was written") {
  const Folder folder;
  const std::string path = folder.file("model.h5");
  UNet net = random_unet();
  write(path, net, card());
  const network::Model model = network::load_model(path, "deepmass");
  const torch::NoGradGuard guard;
  const torch::Tensor maps = torch::randn({1, 4, 20, 24});
  CHECK(torch::equal(model.network->forward(maps), net->forward(maps)));
  CHECK(model.checksum.size() == 16);
  CHECK(model.card.skies == "skies of a test");
  CHECK_THAT(refusal(path, "score"), Contains("kind 'deepmass'"));
}

TEST_CASE("a damaged, cut or foreign model is refused") {
  const Folder folder;
  const std::string path = folder.file("model.h5"), bad = folder.file("bad.h5");
  write(path, random_unet(), card());
  const std::string whole = read(path);
  // A weight's bits: found in the file by the last weight but one of the list.
  const std::vector<float> weights = network::flat_parameters(*random_unet());
  const std::string pattern(reinterpret_cast<const char*>(weights.data() + 10), 16);
  const auto place = whole.find(pattern);
  REQUIRE(place != std::string::npos);
  std::string damaged = whole;
  damaged[place] = static_cast<char>(damaged[place] ^ 1);
  put(bad, damaged);
  CHECK_THAT(refusal(bad), Contains("checksum") && Contains(bad));
  const auto in_card = whole.find("skies of a test");
  REQUIRE(in_card != std::string::npos);
  damaged = whole;
  damaged[in_card] = 'S';
  put(bad, damaged);
  CHECK_THAT(refusal(bad), Contains("checksum"));
  for (const double part : {0.0, 0.3, 0.9}) {
    put(bad, whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
    CHECK_THAT(refusal(bad), Contains(bad) && !Contains("accepted"));
  }
  put(bad, "weights = 1 2 3\n");
  CHECK_THAT(refusal(bad), Contains(bad));
  CHECK_THAT(refusal(folder.file("missing.h5")), Contains("missing.h5"));
  ModelCard lying = card();
  lying.receptive_radius = 5;
  write(bad, random_unet(), lying);
  CHECK_THAT(refusal(bad), Contains("its card says 5 and 2"));
}

TEST_CASE("a TorchScript module with a card is a model, without one it is not") {
  const Folder folder;
  const std::string path = folder.file("module.pt");
  ModelCard c = card();
  c.alignment = 1;
  c.receptive_radius = 2;
  write_script(path, "return 2.0 * x[:, 0:2]", c.text());
  const network::Model model = network::load_model(path, "deepmass");
  const torch::Tensor maps = torch::randn({1, 4, 9, 7});
  CHECK(torch::allclose(model.network->forward(maps), 2.0 * maps.slice(1, 0, 2)));
  CHECK(model.network->shape().receptive_radius == 2);

  write_script(path, "return 2.0 * x[:, 0:2]", "");
  CHECK_THAT(refusal(path), Contains("without a model card"));
  write_script(path, "return 2.0 * x[:, 0:1]", c.text());
  CHECK_THAT(refusal(path), Contains("does not return 2 channels"));
  write_script(path, "return x[:, 0:2] + torch.roll(x[:, 0:2], [-3], [2])", c.text());
  CHECK_THAT(refusal(path), Contains("reaches farther"));
  write_script(path, "return x[:, 0:2]", c.text());
  put(path, read(path).substr(0, 300));
  CHECK_THAT(refusal(path), Contains("cannot be loaded"));
}
