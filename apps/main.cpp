// The program `tessera`: picks the command, turns every failure into one line and a non-zero exit on every
// rank.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "apps/command.hpp"
#include "apps/input_files.hpp"
#include "apps/library_versions.hpp"
#include "apps/networks.hpp"
#include "apps/overview.hpp"
#include "core/crash.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "core/version.hpp"
#include "io/hdf5_handle.hpp"
#include "mpi/agreement.hpp"

namespace {

using namespace tessera;

std::vector<apps::Application> all_applications() {
  return {apps::simulate_application(),
          apps::simulate_skies_application(),
          apps::train_deepmass_application(),
          apps::train_score_application(),
          apps::map_application(),
          apps::gather_application(),
          apps::calibrate_application(),
          apps::compare_application(),
          apps::import_application(),
          apps::export_application()};
}

/// The command that the words begin with, and the words behind it; null if there is none.
struct Choice {
  const apps::Application* application = nullptr;
  std::vector<std::string> arguments;
};

Choice choose(const std::vector<apps::Application>& applications, const std::vector<std::string>& words) {
  // The name of a command may have two words: the longer name counts.
  for (const std::size_t length : {2U, 1U}) {
    if (words.size() < length) continue;
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    for (const auto& application : applications)
      if (application.command.name() == name)
        return {&application, {words.begin() + static_cast<std::ptrdiff_t>(length), words.end()}};
  }
  return {};
}

/// Whether the command line asks for something that only tessera-networks can do.
bool needs_networks(const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "--version") return true;  // LibTorch's too
  try {
    const auto applications = all_applications();
    const Choice choice = choose(applications, words);
    if (choice.application == nullptr || choice.application->needs_networks == nullptr) return false;
    const auto values = choice.application->command.parse(choice.arguments);
    return values && choice.application->needs_networks(*values);
  } catch (const std::exception&) {
    return false;  // told when the command is run
  }
}

void run(const mpi::Communicator& comm, const std::vector<std::string>& words) {
  const std::vector<apps::Application> applications = all_applications();
  log::configure(log::Verbosity::normal, comm.is_root());
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    log::info("{}", help_text(apps::overview(applications)));
    if (words.empty()) fail("no command given; 'tessera --help' lists them");
    return;
  }
  if (words[0] == "--version") {
    log::info("{}", apps::library_versions());
    return;
  }
  const auto [application, arguments] = choose(applications, words);
  if (application == nullptr) fail("there is no command '{}'; 'tessera --help' lists them", words[0]);
  const auto values = application->command.parse(arguments);
  if (!values) {
    log::info("{}", help_text(application->command.page()));
    return;
  }
  auto verbosity = values->flag("verbose") ? log::Verbosity::verbose : log::Verbosity::normal;
  if (values->flag("quiet")) verbosity = log::Verbosity::quiet;
  log::configure(verbosity, comm.is_root());
  mpi::collectively(comm, [&] { apps::require_inputs_kept(*values); });
  application->run(comm, *values);
}

constexpr int failed = 1;
constexpr int unfinished = 75;  // EX_TEMPFAIL of sysexits.h: the same command with --resume goes on

/// One rank ends the job; the others wait to be ended, so that mpirun hears of it once.
[[noreturn]] void end_without_finalize(const mpi::Communicator& comm, int code) {
  if (comm.is_root()) mpi::end_job(code);
  std::this_thread::sleep_for(std::chrono::seconds(10));
  std::_Exit(code);
}

/// For the build: `tessera --man-pages FOLDER`, without MPI, which may not start where programs are built.
int write_man_pages(const char* folder) {
  try {
    apps::write_man_pages(all_applications(), folder);
    return 0;
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "error: %s\n", thrown.what());
    return failed;
  }
}

void report(const char* kind, const std::string& problem) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", kind, one_line(problem).c_str());
  std::fflush(stderr);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error like others
  std::signal(SIGPIPE, SIG_IGN);  // a run goes on when nobody reads what it says
  if (argc == 3 && argv[1] == std::string("--man-pages")) return write_man_pages(argv[2]);
  if (!apps::has_networks() && needs_networks({argv + 1, argv + argc})) apps::become_networks(argv);
  const mpi::Environment environment(argc, argv);
  crash::listen();
  io::silence_hdf5();
  const mpi::Communicator comm;
  const mpi::Communicator last_words;  // no collective of the work can be mistaken for its barrier
  std::string problem;
  int code = failed;
  try {
    run(comm, {argv + 1, argv + argc});
    return 0;
  } catch (const EndedOnRequest& ended) {
    problem = ended.what();
    code = unfinished;
  } catch (const std::exception& thrown) {
    problem = description(thrown);
  }
  // If all failed alike, rank 0 speaks for them. Of an end on request all hear; one of them may be removing a
  // large file.
  const std::chrono::seconds time(code == unfinished ? 600 : 5);
  if (!mpi::all_arrive(last_words, time)) {
    report("error", problem);
    mpi::end_job();
  }
  if (comm.is_root()) report(code == unfinished ? "unfinished" : "error", problem);
  last_words.barrier();
  // Ending MPI would have HDF5 close a broken file once more, and crash.
  if (io::has_abandoned_file()) end_without_finalize(last_words, code);
  return code;
}
