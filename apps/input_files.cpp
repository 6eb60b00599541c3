#include "apps/input_files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/checksum.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::apps {
namespace {

namespace fs = std::filesystem;

constexpr std::array outputs{"out", "out-catalogue", "out-truth", "fits", "card-out"};

bool is_output(const std::string& option) {
  return std::find(outputs.begin(), outputs.end(), option) != outputs.end();
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// The files that a word of an option stands for: itself, the members of a list @FILE or of a folder.
std::vector<std::string> files_of(const std::string& word) {
  std::vector<std::string> files{word};
  if (word.starts_with('@') && is_file(word.substr(1))) {
    files.push_back(word.substr(1));
    for (const std::string& line : lines_of_list(word.substr(1))) files.push_back(line);
  }
  std::error_code ignored;
  if (fs::is_directory(word, ignored))
    for (const auto& entry : fs::directory_iterator(word, ignored)) files.push_back(entry.path().string());
  return files;
}

/// What is written, renamed or removed for an output.
std::vector<std::string> places_of(const config::Values& values, const std::string& output) {
  std::string path = values.text(output);
  std::vector<std::string> places{path, path + ".partial"};
  if (values.has("chain")) places.push_back(path += ".chain_" + values.text("chain"));
  for (const char* const end : {".checkpoint", ".checkpoint.1", ".checkpoint.partial"})
    places.push_back(path + end);
  return places;
}

void require_kept(const config::Values& values, const std::string& output, const std::string& input) {
  for (const std::string& word : values.list(input)) {
    for (const std::string& file : files_of(word)) {
      if (!is_file(file)) continue;
      for (const std::string& place : places_of(values, output)) {
        std::error_code ignored;
        if (fs::equivalent(file, place, ignored))
          fail("--{} writes '{}', which --{} reads: it would be lost; choose another name", output, place,
               input);
      }
    }
  }
}

void require_apart(const config::Values& values, const std::string& output, const std::string& other) {
  std::error_code ignored;
  const fs::path first = fs::weakly_canonical(values.text(output), ignored),
                 second = fs::weakly_canonical(values.text(other), ignored);
  if (first == second)
    fail("--{} and --{} are both '{}', and one would replace the other; give two names", output, other,
         values.text(output));
}

/// Adds a file's size, its first bytes and its last.
void add_file(const std::string& path, Checksum& sum) {
  constexpr std::streamoff most = 1 << 20;
  std::error_code ignored;
  const auto size = static_cast<std::streamoff>(fs::file_size(path, ignored));
  sum.add(&size, sizeof(size));
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(most), ' ');
  for (const std::streamoff first : {std::streamoff{0}, std::max(most, size - most)}) {
    file.clear();
    file.seekg(first);
    file.read(bytes.data(), most);
    sum.add(bytes.data(), static_cast<std::size_t>(file.gcount()));
  }
}

}  // namespace

std::vector<std::string> lines_of_list(const std::string& path) {
  refuse_streams(path, "the list of maps");
  std::ifstream list(path);
  if (!list || is_folder(path))
    fail("cannot read the list of maps '{}'; give a text file with a name a line", path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(list, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  require_whole(list, path);
  return lines;
}

std::string contents_of_inputs(const config::Values& values) {
  std::string lines;
  for (const std::string& name : values.names()) {
    if (!values.has(name) || is_output(name) || name == "config" || name == "catalogue") continue;
    std::set<std::string> files;
    for (const std::string& word : values.list(name))
      for (const std::string& file : files_of(word))
        if (is_file(file)) files.insert(file);
    Checksum sum;
    for (const std::string& file : files) add_file(file, sum);
    if (!files.empty()) lines += fmt::format("contents of --{} = {}\n", name, sum.text());
  }
  return lines;
}

void require_inputs_kept(const config::Values& values) {
  for (const std::string output : outputs) {
    if (!values.has(output)) continue;
    for (const std::string& name : values.names()) {
      if (!values.has(name) || name == output) continue;
      if (is_output(name))
        require_apart(values, output, name);
      else if (output != "card-out" || name != "score-model")
        require_kept(values, output, name);
    }
  }
}

}  // namespace tessera::apps
