// What stands for the networks in the program without LibTorch.
#include "apps/calibrate_options.hpp"
#include "apps/command.hpp"
#include "apps/networks.hpp"
#include "apps/train_options.hpp"
#include "core/error.hpp"

namespace tessera::apps {
namespace {

[[noreturn]] void refuse() {
  fail("networks need the program 'tessera-networks', which is not beside 'tessera'; build or install both");
}

}  // namespace

bool has_networks() { return false; }

std::string torch_version() { return "in tessera-networks, which is not beside this program"; }

std::unique_ptr<DeepMassModel> load_deepmass(const std::string& /*path*/, const NetworkPlace& /*place*/) {
  refuse();
}

std::unique_ptr<ScoreModel> load_score(const std::string& /*path*/, const NetworkPlace& /*place*/) {
  refuse();
}

Application train_deepmass_application() {
  return {train_deepmass_command(), [](const mpi::Communicator&, const config::Values&) { refuse(); },
          [](const config::Values&) { return true; }};
}

Application calibrate_application() {
  return {calibrate_command(), [](const mpi::Communicator&, const config::Values&) { refuse(); },
          [](const config::Values&) { return true; }};
}

Application train_score_application() {
  return {train_score_command(), [](const mpi::Communicator&, const config::Values&) { refuse(); },
          [](const config::Values&) { return true; }};
}

}  // namespace tessera::apps
