// Cards of models.
#include "fuzz/fuzz.hpp"
#include "network/model_card.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusing([&] {
    const auto card =
        network::ModelCard::parse(std::string(reinterpret_cast<const char*>(data), size), "model.h5");
    // A card that was read can be written and read again.
    const std::string text = card.text();
    try {
      static_cast<void>(network::ModelCard::parse(text, "model.h5"));
    } catch (const Error& problem) {
      throw std::logic_error(problem.what());
    }
    if (!card.conditioned()) return;
    for (const double sigma : {0.0, card.levels.front().sigma, card.levels.back().sigma, 1e3}) {
      static_cast<void>(card.variance_ratio(card.bands.front(), sigma));
      static_cast<void>(card.input_range(0, sigma));
    }
  });
  return 0;
}
