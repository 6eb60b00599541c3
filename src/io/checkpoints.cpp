#include "io/checkpoints.hpp"

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "core/error.hpp"
#include "core/log.hpp"
#include "io/hdf5_read.hpp"
#include "io/seal.hpp"
#include "mpi/agreement.hpp"

namespace tessera::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* identity_name = "identity";

/// What a file is to a run that wants to go on from it; reason: a sentence that begins with its name.
struct Finding {
  enum State { absent, sound, foreign, damaged } state;
  std::string reason;
};

/// name: value, of lines name = value.
std::map<std::string, std::string> entries_of(const std::string& lines) {
  std::map<std::string, std::string> entries;
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos) entries[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return entries;
}

/// For people: what a file's run had, and this one has.
std::string differences(const std::string& file, const std::string& ours) {
  const auto there = entries_of(file), here = entries_of(ours);
  std::set<std::string> names;
  for (const auto* const entries : {&there, &here})
    for (const auto& [name, value] : *entries) names.insert(name);
  const auto value_of = [](const auto& entries, const std::string& name) {
    const auto found = entries.find(name);
    return found == entries.end() ? std::string("none") : found->second;
  };
  constexpr std::size_t most = 3;
  std::size_t count = 0;
  std::vector<std::string> told;
  for (const std::string& name : names) {
    const std::string theirs = value_of(there, name), mine = value_of(here, name);
    if (theirs != mine && ++count <= most)
      told.push_back(fmt::format("{} is {} there and {} here", name, theirs, mine));
  }
  if (told.empty()) return "its options come in another order";
  return fmt::format("{}{}", fmt::join(told, "; "),
                     count > most ? fmt::format("; and {} more", count - most) : "");
}

/// Of a file whose seal is whole. On this rank alone.
Finding look_inside(const std::string& path, const CheckpointHead& head) {
  const FileHandle file = open_for_reading(path);
  if (!link_exists(file.get(), head.group))
    return {Finding::foreign,
            fmt::format("'{}' is no checkpoint of {}: it has no group {}", path, head.contents, head.group)};
  const std::string identity = read_text_attribute(file.get(), path, head.group, identity_name);
  if (identity != head.identity)
    return {Finding::foreign, fmt::format("'{}' belongs to another run and cannot be part of this one: {}",
                                          path, differences(identity, head.identity))};
  return {Finding::sound, {}};
}

/// The same on every rank. Collective.
Finding examine(const mpi::Communicator& comm, const std::string& path, const CheckpointHead& head) {
  if (!exists(comm, path)) return {Finding::absent, fmt::format("'{}' is not there", path)};
  // A folder, a pipe or a file that may not be read is no damage that an older checkpoint would mend.
  mpi::collectively(comm, [&] {
    if (comm.is_root()) require_readable(path);
  });
  const std::string problem = broken_seal(comm, path);
  if (!problem.empty())
    return {Finding::damaged,
            fmt::format("'{}' is damaged, or no checkpoint of {}: {}", path, head.contents, problem)};
  Finding finding{Finding::sound, {}};
  if (comm.is_root()) {
    try {
      finding = look_inside(path, head);
    } catch (const Error& damage) {
      finding = {Finding::damaged, damage.what()};
    }
  }
  finding.state = static_cast<Finding::State>(comm.max(static_cast<int>(finding.state)));
  finding.reason = comm.broadcast(finding.reason);
  return finding;
}

/// The file's checkpoint by read(path), if that can be.
Finding read_if_sound(const mpi::Communicator& comm, const std::string& path, const CheckpointHead& head,
                      const std::function<void(const std::string&)>& read) {
  Finding finding = examine(comm, path, head);
  if (finding.state != Finding::sound) return finding;
  try {
    read(path);
  } catch (const Error& damage) {
    finding = {Finding::damaged, damage.what()};
  }
  return finding;
}

/// How much older the second file is than the first, for people.
std::string time_between(const std::string& newer, const std::string& older) {
  std::error_code problem;
  const auto first = fs::last_write_time(newer, problem), second = fs::last_write_time(older, problem);
  if (problem) return "some time";
  const double minutes = std::chrono::duration<double, std::ratio<60>>(first - second).count();
  return minutes < 1.0 ? "less than a minute" : fmt::format("{:.0f} minutes", std::ceil(minutes));
}

}  // namespace

bool exists(const mpi::Communicator& comm, const std::string& path) {
  bool found = false;
  mpi::collectively(comm, [&] {
    if (!comm.is_root()) return;
    std::error_code problem;
    const fs::file_status status = fs::status(path, problem);
    found = fs::exists(status);
    if (!found && status.type() != fs::file_type::not_found)
      fail("cannot look at '{}' ({}); it may be sound: mend that, and run again", path, problem.message());
  });
  return comm.max(found ? 1 : 0) > 0;
}

void begin_checkpoint(MapWriter& writer, AtomicFile& file, const CheckpointHead& head) {
  file.sealed();
  writer.create_group(head.group);
  writer.attribute(head.group, identity_name, head.identity);
}

void require_checkpoint(const mpi::Communicator& comm, const std::string& path, const CheckpointHead& head) {
  const Finding finding = examine(comm, path, head);
  if (finding.state != Finding::sound) fail("{}; make it again", finding.reason);
}

Checkpoints::Checkpoints(const mpi::Communicator& comm, std::string path, CheckpointHead head)
    : comm_(&comm), path_(std::move(path)), before_(path_ + ".1"), head_(std::move(head)) {}

bool Checkpoints::save(const std::function<void(AtomicFile&)>& write) const {
  std::string problem = try_to_save(write);
  if (!problem.empty() && made_room()) problem = try_to_save(write);
  if (!problem.empty()) log::warn("no checkpoint was written, and the run goes on without: {}", problem);
  return problem.empty();
}

std::string Checkpoints::try_to_save(const std::function<void(AtomicFile&)>& write) const {
  try {
    AtomicFile file(*comm_, path_, true);
    file.keep_replaced(before_);
    write(file);
    return {};
  } catch (const Error& problem) {
    if (comm_->max(has_abandoned_file() ? 1 : 0) > 0) throw;
    return problem.what();
  }
}

/// Where the disk holds two checkpoints and no third, the older one gives way.
bool Checkpoints::made_room() const {
  std::error_code problem;
  bool removed = false;
  if (comm_->is_root() && fs::exists(path_, problem)) {
    // A checkpoint may be set aside more space than it takes in the end.
    const double wanted = 2.0 * static_cast<double>(fs::file_size(path_, problem)) + 1048576.0;
    removed = !problem && !has_space_beside(path_, wanted) && fs::remove(before_, problem);
  }
  return comm_->max(removed ? 1 : 0) > 0;
}

void Checkpoints::require_none(bool overwrite) const {
  if (overwrite) return;
  for (const std::string& name : {path_, before_})
    if (exists(*comm_, name))
      fail(
          "'{}' is there, of a run that did not end: give --resume to go on from it, or --overwrite to begin "
          "anew and lose it",
          name);
}

std::string Checkpoints::resume(const std::function<void(const std::string&)>& read) const {
  const Finding last = read_if_sound(*comm_, path_, head_, read);
  if (last.state == Finding::sound) return path_;
  if (last.state == Finding::foreign) {
    const bool ours = examine(*comm_, before_, head_).state == Finding::sound;
    fail("{}; {}", last.reason,
         ours ? fmt::format("'{}' is of this run: rename it to '{}' to go on from it", before_, path_)
              : "give the same, or --overwrite instead of --resume to begin anew");
  }
  const Finding before = read_if_sound(*comm_, before_, head_, read);
  if (before.state == Finding::absent) {
    if (last.state == Finding::absent) {
      log::info("'{}' is not there: beginning anew", path_);
      return {};
    }
    fail("{}; there is none of before, give --overwrite instead of --resume to begin anew", last.reason);
  }
  if (before.state != Finding::sound)
    fail("{}; and {}; give --overwrite instead of --resume to begin anew", last.reason, before.reason);
  if (last.state == Finding::absent) {
    log::warn("{}: going on from the checkpoint of before, '{}'", last.reason, before_);
    return before_;
  }
  log::warn("{}: going on from the checkpoint of before, '{}', {} older; what was made since is made again",
            last.reason, before_, time_between(path_, before_));
  forget_damaged();
  return before_;
}

/// The next checkpoint must not put the damaged one in the place of the sound one.
void Checkpoints::forget_damaged() const {
  comm_->barrier();  // every rank has read it
  std::error_code ignored;
  if (comm_->is_root()) fs::rename(before_, path_, ignored);
}

void Checkpoints::end(bool saved, const std::string& after) const {
  if (!saved)
    fail(
        "asked to end after {}, the run could not write '{}'; mend that, then --resume goes on from the "
        "checkpoint "
        "of before, if there is one",
        after, path_);
  throw EndedOnRequest(fmt::format(
      "ended on request after {}; the same command with --resume goes on from '{}'", after, path_));
}

void Checkpoints::remove() const {
  if (!comm_->is_root()) return;
  std::error_code ignored;
  // A run that was killed while it wrote one leaves a part of it.
  for (const std::string& name : {path_, before_, path_ + ".partial"}) fs::remove(name, ignored);
}

}  // namespace tessera::io
