#include "network/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <torch/script.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/checksum.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "io/hdf5_read.hpp"

namespace tessera::network {
namespace {

constexpr const char* group = "/model";
constexpr const char* script_card = "tessera_card";

std::string checksum_of(const std::string& card, const std::vector<float>& weights) {
  Checksum sum;
  sum.add(card.data(), card.size());
  sum.add(weights.data(), weights.size() * sizeof(float));
  return sum.text();
}

std::vector<std::int64_t> integers(const std::string& words, const std::string& path) {
  std::vector<std::int64_t> values;
  std::istringstream in(words);
  for (std::string word; std::getline(in, word, ',');) {
    char* end = nullptr;
    values.push_back(std::strtoll(word.c_str(), &end, 10));
    if (word.empty() || *end != '\0' || values.back() < 1 || values.back() > 4096)
      fail("'{}' describes a UNet with channels '{}', which cannot be; the file is damaged", path, words);
  }
  return values;
}

/// 0 for what is none, or too large.
std::int64_t whole_number(double value) {
  constexpr double most = 1 << 20;
  return value >= 1.0 && value <= most && value == std::floor(value) ? static_cast<std::int64_t>(value) : 0;
}

/// The least number of weights that a UNet has: its blocks' two convolutions of 3 x 3. Counted before one is
/// made, which a damaged file could want to be of any size.
double least_weights(const UNetOptions& options) {
  double count = 0.0;
  for (const std::int64_t channels : options.channels)
    count += 18.0 * static_cast<double>(options.blocks) * static_cast<double>(channels * channels);
  return count;
}

Model load_own(const std::string& path) {
  const io::FileHandle file = io::open_for_reading(path);
  if (!io::link_exists(file.get(), group))
    fail("'{}' is no model of Tessera: it has no group {}; models are made by 'tessera train'", path, group);
  const auto text = [&](const char* name) { return io::read_text_attribute(file.get(), path, group, name); };
  const std::string card_text = text("card");
  const std::vector<double> numbers = io::read_numbers(file.get(), path, std::string(group) + "/weights", {});
  const std::vector<float> weights(numbers.begin(), numbers.end());
  if (!std::all_of(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); }))
    fail("'{}' has weights that are not finite: its training has diverged; train it anew", path);
  const std::string expected = text("checksum"), found = checksum_of(card_text, weights);
  if (found != expected)
    fail("'{}' is damaged: the checksum of its card and weights is {}, not {}; take a fresh copy", path,
         found, expected);
  Model model{ModelCard::parse(card_text, path), nullptr, found, path};
  UNetOptions options{model.card.inputs, model.card.outputs, integers(text("channels"), path),
                      whole_number(io::read_number_attribute(file.get(), path, group, "blocks")),
                      model.card.conditioned()};
  if (options.channels.empty() || options.blocks < 1)
    fail("'{}' describes no UNet: it has {} levels of {} blocks", path, options.channels.size(),
         options.blocks);
  if (least_weights(options) > static_cast<double>(weights.size()))
    fail("'{}' holds {} weights, and a UNet of {} blocks at each of {} levels has more; the file is damaged",
         path, weights.size(), options.blocks, options.channels.size());
  UNet network(options);
  if (flat_parameters(*network).size() != weights.size())
    fail("'{}' holds {} weights, but its UNet has {}; the file is damaged", path, weights.size(),
         flat_parameters(*network).size());
  if (network->receptive_radius() != model.card.receptive_radius ||
      network->alignment() != model.card.alignment)
    fail(
        "'{}' has a UNet that reaches {} pixels in steps of {}, its card says {} and {}; the file is damaged",
        path, network->receptive_radius(), network->alignment(), model.card.receptive_radius,
        model.card.alignment);
  set_parameters(*network, weights);
  network->eval();
  model.network = network.ptr();
  return model;
}

/// A TorchScript module; what it is comes from its card.
class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(torch::jit::Module module, NetworkShape shape) : module_(std::move(module)), shape_(shape) {}
  [[nodiscard]] NetworkShape shape() const override { return shape_; }
  [[nodiscard]] torch::Device device() const override { return device_; }
  void move_to(torch::Device device) override {
    module_.to(device);
    device_ = device;
  }

 private:
  torch::Tensor compute(const torch::Tensor& maps, double condition) override {
    std::vector<torch::jit::IValue> inputs{maps.contiguous(torch::MemoryFormat::ChannelsLast)};
    if (shape_.conditioned) inputs.emplace_back(condition);
    return module_.forward(std::move(inputs)).toTensor();
  }

  torch::jit::Module module_;
  NetworkShape shape_;
  torch::Device device_ = torch::kCPU;
};

std::string file_checksum(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Checksum sum;
  std::vector<char> block(1 << 16);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0)
    sum.add(block.data(), static_cast<std::size_t>(in.gcount()));
  return sum.text();
}

Model load_script(const std::string& path) {
  std::unordered_map<std::string, std::string> extra{{script_card, ""}};
  torch::jit::Module module;
  try {
    module = torch::jit::load(path, torch::kCPU, extra);
    module.eval();
  } catch (const std::exception&) {
    fail("'{}' begins like a TorchScript module but cannot be loaded; it is damaged, or no module at all",
         path);
  }
  if (extra[script_card].empty())
    fail(
        "'{}' is a TorchScript module without a model card, so what it is good for is not known; save it "
        "with "
        "_extra_files={{'{}': TEXT}}",
        path, script_card);
  Model model{ModelCard::parse(extra[script_card], path), nullptr, file_checksum(path), path};
  const ModelCard& card = model.card;
  model.network = std::make_shared<ScriptNetwork>(
      std::move(module),
      NetworkShape{card.inputs, card.outputs, card.alignment, card.receptive_radius, card.conditioned()});
  return model;
}

/// Error unless the network maps windows as its card says, and a pixel does not reach farther than said.
void probe(const Model& model) {
  const torch::NoGradGuard no_gradients;
  const NetworkShape shape = model.network->shape();
  const std::int64_t side = 2 * shape.halo() + 2 * shape.alignment;
  torch::Tensor maps = torch::zeros({1, shape.inputs, side, side}, torch::kFloat);
  torch::Tensor at_rest, disturbed;
  try {
    at_rest = model.network->forward(maps, 0.0);
    maps.slice(2, side - 1, side) += 1.0;  // the last row: all rows but the nearest stay
    disturbed = model.network->forward(maps, 0.0);
  } catch (const std::exception&) {
    fail("'{}' cannot be evaluated on {} channels of {} x {} pixels, as its card says it can", model.path,
         shape.inputs, side, side);
  }
  if (at_rest.dim() != 4 || at_rest.size(1) != shape.outputs || at_rest.size(2) != side ||
      at_rest.size(3) != side)
    fail("'{}' does not return {} channels on the pixels of its input, as its card says", model.path,
         shape.outputs);
  const torch::Tensor far = (disturbed - at_rest).slice(2, 0, side - 1 - shape.receptive_radius);
  if (far.abs().max().item<float>() > 0.0F)
    fail("'{}' reaches farther than the {} pixels of its card, so it cannot be evaluated in tiles",
         model.path, shape.receptive_radius);
}

bool begins_with(const std::string& path, const char* magic) {
  refuse_streams(path, "the model");
  std::ifstream in(path, std::ios::binary);
  std::string start(std::strlen(magic), '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  return in && start == magic;
}

}  // namespace

Model load_model(const std::string& path, const std::string& kind) {
  Model model = begins_with(path, "PK\x03\x04") ? load_script(path) : load_own(path);
  if (model.card.kind != kind)
    fail("'{}' is a model of kind '{}', not '{}'; give the file made by 'tessera train {}'", path,
         model.card.kind, kind, kind);
  probe(model);
  return model;
}

std::vector<float> flat_parameters(const UNetImpl& network) {
  std::vector<float> values;
  for (const torch::Tensor& parameter : network.parameters()) {
    const torch::Tensor plain =
        parameter.detach().to(torch::kCPU).contiguous(torch::MemoryFormat::Contiguous);
    values.insert(values.end(), plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  }
  return values;
}

void set_parameters(UNetImpl& network, std::span<const float> values) {
  const torch::NoGradGuard no_gradients;
  std::size_t begin = 0;
  for (torch::Tensor& parameter : network.parameters()) {
    const auto count = static_cast<std::size_t>(parameter.numel());
    TESSERA_REQUIRE(begin + count <= values.size());
    parameter.copy_(torch::from_blob(const_cast<float*>(values.data() + begin), parameter.sizes()));
    begin += count;
  }
  TESSERA_REQUIRE(begin == values.size());
}

void write_model(io::MapWriter& writer, const ModelCard& card, const UNetImpl& network) {
  const std::vector<float> weights = flat_parameters(network);
  writer.create_group(group);
  const std::string text = card.text();
  writer.attribute(group, "card", text);
  writer.attribute(group, "checksum", checksum_of(text, weights));
  writer.attribute(group, "channels", fmt::format("{}", fmt::join(network.options().channels, ",")));
  writer.attribute(group, "blocks", network.options().blocks);
  const std::string name = std::string(group) + "/weights";
  writer.write_table(name, std::vector<double>(weights.begin(), weights.end()), 0,
                     {"1", "parameters of the UNet one after the other"}, io::Precision::float32);
  std::string order;
  for (const auto& parameter : network.named_parameters())
    order += fmt::format("{} {}\n", parameter.key(), fmt::join(parameter.value().sizes().vec(), ","));
  writer.attribute(name, "order", order);
}

}  // namespace tessera::network
