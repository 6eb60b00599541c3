#include <filesystem>
#include <fstream>
#include <numeric>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "io/checkpoints.hpp"
#include "io/hdf5_read.hpp"
#include "io/seal.hpp"
#include "support/temporary_folder.hpp"

using namespace tessera;
namespace fs = std::filesystem;

namespace {

const io::CheckpointHead head{"/work", "work", "seed = 7"};

/// Changes files on rank 0 while the others wait.
template <class Change>
void on_root(const mpi::Communicator& comm, Change&& change) {
  if (comm.is_root()) change();
  comm.barrier();
}

void flip(const std::string& path, std::uintmax_t place) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(place));
  const int old = file.get();
  file.seekp(static_cast<std::streamoff>(place));
  file.put(static_cast<char>(old ^ 0x10));
}

void save(const mpi::Communicator& comm, const io::Checkpoints& checkpoints, double number,
          const io::CheckpointHead& of = head) {
  REQUIRE(checkpoints.save([&](io::AtomicFile& file) {
    io::MapWriter writer(comm, file, 100, 2);
    io::begin_checkpoint(writer, file, of);
    writer.attribute("/work", "number", number);
    writer.commit();
  }));
}

/// The number of the checkpoint that is gone on from; 0 if there is none.
double resumed(const io::Checkpoints& checkpoints) {
  double number = 0.0;
  const std::string path = checkpoints.resume([&](const std::string& name) {
    number = io::read_number_attribute(io::open_for_reading(name).get(), name, "/work", "number");
    if (number < 0.0) fail("'{}' holds a negative number", name);
  });
  CHECK(path.empty() == (number == 0.0));
  return number;
}

}  // namespace

TEST_CASE("a seal finds every byte that was changed, lost or added") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("sealed");
  constexpr std::size_t bytes = 2 * (1U << 20U) + 1003;  // blocks that are full, and one that is not
  std::string content(bytes, ' ');
  std::iota(content.begin(), content.end(), '\0');
  const auto write = [&] { std::ofstream(path, std::ios::binary) << content; };
  on_root(comm, write);
  CHECK_FALSE(io::broken_seal(comm, path).empty());  // none
  comm.barrier();
  io::add_seal(comm, path);
  CHECK(io::broken_seal(comm, path).empty());
  const auto size = fs::file_size(path);
  for (const std::uintmax_t place :
       {std::uintmax_t{0}, std::uintmax_t{1U << 20U}, size - 300, size - 53, size - 40, size - 1}) {
    comm.barrier();
    on_root(comm, [&] { flip(path, place); });
    CHECK_FALSE(io::broken_seal(comm, path).empty());
    comm.barrier();
    on_root(comm, [&] { flip(path, place); });
    CHECK(io::broken_seal(comm, path).empty());
  }
  comm.barrier();
  on_root(comm, [&] { std::ofstream(path, std::ios::app) << '\n'; });
  CHECK_FALSE(io::broken_seal(comm, path).empty());
  for (const std::uintmax_t length :
       {size - 1, std::uintmax_t{1U << 20U}, std::uintmax_t{10}, std::uintmax_t{0}}) {
    comm.barrier();
    on_root(comm, [&] { fs::resize_file(path, length); });
    CHECK_FALSE(io::broken_seal(comm, path).empty());
  }
  comm.barrier();
}

TEST_CASE("a file that cannot be read for now is not taken for a damaged one") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("sealed");
  on_root(comm, [&] { std::ofstream(path, std::ios::binary) << std::string(1000, 'x'); });
  io::add_seal(comm, path);
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const rlimit none{0, usual.rlim_max};
  if (comm.is_root()) REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  CHECK_THROWS_WITH(io::broken_seal(comm, path),
                    Catch::Contains("Too many open files") && Catch::Contains("may be sound"));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK(io::broken_seal(comm, path).empty());
  comm.barrier();
}

TEST_CASE("a checkpoint that cannot be looked at for now is not taken for none") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("run.checkpoint");
  const io::Checkpoints checkpoints(comm, path, head);
  CHECK(checkpoints.resume([](const std::string&) {}).empty());
  comm.barrier();
  const auto refused = Catch::Contains("Too many levels of symbolic links); it may be sound");
  for (const std::string& name : {path, path + ".1"}) {
    on_root(comm, [&] { fs::create_symlink(name, name); });
    CHECK_THROWS_WITH(resumed(checkpoints), refused);
    CHECK_THROWS_WITH(checkpoints.require_none(false), refused);
    comm.barrier();
    on_root(comm, [&] { fs::remove(name); });
    comm.barrier();
  }
}

TEST_CASE("an output is one run's alone") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("maps.h5");
  {
    io::AtomicFile ours(comm, path, false);
    CHECK_THROWS_WITH(io::AtomicFile(comm, path, true), Catch::Contains("another run is writing"));
    CHECK(fs::exists(ours.temporary()));
    comm.barrier();
    on_root(comm, [&] {  // by a run where locks are not known
      fs::remove(ours.temporary());
      std::ofstream(ours.temporary()) << "theirs";
    });
    CHECK_THROWS_WITH(ours.commit(), Catch::Contains("another run"));
    CHECK_FALSE(fs::exists(path));
  }
  comm.barrier();
  CHECK(fs::exists(path + ".partial"));  // theirs
  comm.barrier();
  io::AtomicFile after(comm, path, false);
  after.commit();
  CHECK(fs::exists(path));
  CHECK_FALSE(fs::exists(path + ".partial"));
  comm.barrier();
}

TEST_CASE("a seal is the same whatever number of ranks made it") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const mpi::Communicator alone = comm.split(comm.rank());
  const std::string path = folder.path("sealed");
  on_root(comm, [&] { std::ofstream(path, std::ios::binary) << std::string(3 * (1U << 20U) + 7, 'x'); });
  io::add_seal(comm, path);
  CHECK(io::broken_seal(alone, path).empty());
  comm.barrier();
}

TEST_CASE("of two checkpoints the last is read, and the one before if the last is damaged") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("run.checkpoint"), before = path + ".1";
  const io::Checkpoints checkpoints(comm, path, head);
  CHECK(resumed(checkpoints) == 0.0);
  save(comm, checkpoints, 1.0);
  CHECK(resumed(checkpoints) == 1.0);
  save(comm, checkpoints, 2.0);
  save(comm, checkpoints, 3.0);
  CHECK(resumed(checkpoints) == 3.0);
  CHECK(fs::exists(before));
  comm.barrier();

  SECTION("a byte of the last is another") {
    on_root(comm, [&] { flip(path, fs::file_size(path) / 2); });
    CHECK(resumed(checkpoints) == 2.0);
    // The next checkpoint does not put the damaged one in the sound one's place.
    save(comm, checkpoints, 4.0);
    on_root(comm, [&] { fs::remove(path); });
    CHECK(resumed(checkpoints) == 2.0);
  }
  SECTION("killed between the two renames") {
    on_root(comm, [&] { fs::rename(path, before); });
    CHECK(resumed(checkpoints) == 3.0);
    save(comm, checkpoints, 4.0);
    CHECK(resumed(checkpoints) == 4.0);
  }
  SECTION("the last is whole and makes no sense") {
    save(comm, checkpoints, -1.0);
    CHECK(resumed(checkpoints) == 3.0);
  }
  SECTION("both are damaged") {
    on_root(comm, [&] {
      fs::resize_file(path, 400);
      flip(before, 100);
    });
    CHECK_THROWS_WITH(resumed(checkpoints), Catch::Contains("run.checkpoint' is damaged") &&
                                                Catch::Contains("run.checkpoint.1' is damaged") &&
                                                Catch::Contains("--overwrite instead of --resume"));
  }
  SECTION("the last is damaged and there is none before") {
    on_root(comm, [&] {
      fs::resize_file(path, 400);
      fs::remove(before);
    });
    CHECK_THROWS_WITH(resumed(checkpoints), Catch::Contains("cut short"));
  }
  comm.barrier();
  checkpoints.remove();
  comm.barrier();
  CHECK_FALSE((fs::exists(path) || fs::exists(before)));
  comm.barrier();
}

TEST_CASE("checkpoints of another run are refused") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("run.checkpoint");
  const io::CheckpointHead other{"/work", "work", "seed = 8"};
  const io::Checkpoints ours(comm, path, head), theirs(comm, path, other);
  save(comm, ours, 1.0);
  CHECK_THROWS_WITH(resumed(theirs), Catch::Contains("seed is 7 there and 8 here"));
  save(comm, theirs, 2.0, other);
  CHECK_THROWS_WITH(resumed(ours), Catch::Contains("run.checkpoint.1' is of this run"));
  CHECK(resumed(theirs) == 2.0);
  comm.barrier();
  on_root(comm, [&] { flip(path, 100); });
  CHECK_THROWS_WITH(resumed(theirs),
                    Catch::Contains("damaged") && Catch::Contains("seed is 7 there and 8 here"));
  CHECK_THROWS_WITH(io::require_checkpoint(comm, path, other), Catch::Contains("make it again"));
  comm.barrier();
}

TEST_CASE("a checkpoint that cannot be written leaves those before") {
  const mpi::Communicator comm;
  const test::TemporaryFolder folder(comm);
  const std::string path = folder.path("run.checkpoint");
  const io::Checkpoints checkpoints(comm, path, head);
  save(comm, checkpoints, 1.0);
  save(comm, checkpoints, 2.0);
  CHECK_FALSE(checkpoints.save([&](io::AtomicFile& file) { io::MapWriter(comm, file, 1e17, 2); }));
  CHECK(resumed(checkpoints) == 2.0);
  CHECK(fs::exists(path + ".1"));
  CHECK_FALSE(fs::exists(path + ".partial"));
  CHECK_THROWS_AS(checkpoints.end(true, "2"), EndedOnRequest);
  CHECK_THROWS_WITH(checkpoints.end(false, "2"), Catch::Contains("could not write"));
  comm.barrier();
}
