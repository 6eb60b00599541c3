#include "core/version.hpp"

namespace tessera {

std::string version() { return TESSERA_VERSION; }

}  // namespace tessera
