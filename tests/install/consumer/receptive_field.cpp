// Prints how far the network of a model file sees, in pixels.
#include <cstdio>

#include "network/model_file.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const auto model = tessera::network::load_model(argv[1], "deepmass");
  std::printf("%lld\n", static_cast<long long>(model.card.receptive_radius));
  return 0;
}
