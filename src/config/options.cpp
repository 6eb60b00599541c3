#include "config/options.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include <boost/program_options.hpp>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::config {
namespace {

namespace po = boost::program_options;

constexpr const char* yes = "yes";
constexpr const char* unexpected = "unexpected words";
// Bytes that no text has, in the place of those in which Boost sees more: a comment behind any #, and in its
// messages its own words between two %, which it may replace by themselves for ever.
constexpr char hash_within = '\x01', percent = '\x02';

Group common_options() {
  return {
      "Common",
      {{"config", "FILE", "read options from FILE, lines 'name = value'; the command line has precedence"},
       {"verbose,v", "", "say more"},
       {"quiet,q", "", "say nothing but warnings and errors"},
       {"help,h", "", "show this help"}}};
}

std::string long_name(const Option& option) { return option.name.substr(0, option.name.find(',')); }

po::options_description describe(const std::vector<Group>& groups) {
  po::options_description all;
  for (const Group& group : groups) {
    for (const Option& option : group.options) {
      auto* value = po::value<std::string>();
      // Switches take a value too: `fast = yes` in a file.
      if (option.placeholder.empty()) value->implicit_value(yes, "");
      all.add_options()(option.name.c_str(), value);
    }
  }
  return all;
}

/// Spells switches out, --fast as --fast=yes: Boost would take the next word for their value.
std::vector<std::string> with_explicit_switches(std::vector<std::string> arguments,
                                                const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    for (const Option& option : group.options) {
      if (!option.placeholder.empty()) continue;
      const std::string full = fmt::format("--{}", long_name(option));
      const auto comma = option.name.find(',');
      const std::string brief =
          comma == std::string::npos ? full : fmt::format("-{}", option.name.substr(comma + 1));
      for (std::string& argument : arguments)
        if (argument == full || argument == brief) argument = full + "=" + yes;
    }
  }
  return arguments;
}

std::string without_percents(std::string text) {
  std::replace(text.begin(), text.end(), '%', percent);
  return text;
}

/// Words of the command line as Boost can read them.
std::vector<std::string> for_boost(std::vector<std::string> arguments, const std::vector<Group>& groups) {
  for (std::string& argument : arguments) {
    if (argument.find_first_of({hash_within, percent}) != std::string::npos)
      fail("a word of the command line, '{}', holds a control character; take it out", one_line(argument));
    argument = without_percents(std::move(argument));
  }
  return with_explicit_switches(std::move(arguments), groups);
}

/// The lines of a config file.
std::string config_text(const std::string& path) {
  if (is_folder(path)) fail("the config file '{}' is a folder", path);
  refuse_streams(path, "the config file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read the config file '{}' ({})", path, std::strerror(errno));
  constexpr std::size_t most = 1 << 20;
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most)
    fail("config file '{}' is longer than {} bytes; give a text of lines 'name = value'", path, most);
  if (text.find_first_of({'\0', hash_within, percent}) != std::string::npos)
    fail("config file '{}' is no text in ASCII or UTF-8; write lines 'name = value' with a text editor",
         path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  text = without_percents(std::move(text));
  for (std::size_t i = 1; i < text.size(); ++i)
    if (text[i] == '#' && std::strchr(" \t\r\n=", text[i - 1]) == nullptr) text[i] = hash_within;
  return text;
}

/// As it was given.
std::string restored(std::string value) {
  std::replace(value.begin(), value.end(), hash_within, '#');
  std::replace(value.begin(), value.end(), percent, '%');
  return value;
}

double to_number(const std::string& option, const std::string& text) {
  double value = NAN;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end || !std::isfinite(value))
    fail("--{} is '{}' and must be a number", option, text);
  return value;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  const std::string closed = text + ',';  // getline drops an empty last entry
  std::istringstream stream(closed);
  for (std::string part; std::getline(stream, part, ',');) {
    const auto first = part.find_first_not_of(" \t");
    const auto last = part.find_last_not_of(" \t");
    parts.push_back(first == std::string::npos ? "" : part.substr(first, last - first + 1));
  }
  return parts;
}

}  // namespace

std::string Values::text(const std::string& name) const {
  const auto found = text_.find(name);
  if (found == text_.end() || found->second.empty())
    fail("--{} is missing; 'tessera COMMAND --help' explains it", name);
  return found->second;
}

std::string Values::text_or(const std::string& name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

bool Values::flag(const std::string& name) const {
  const std::string value = text_or(name, "no");
  if (value != yes && value != "no") fail("--{} is '{}' and must be yes or no", name, value);
  return value == yes;
}

std::string Values::choice(const std::string& name, const std::vector<std::string>& allowed) const {
  const std::string value = text(name);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  std::string list;
  for (const std::string& word : allowed) list += (list.empty() ? "" : ", ") + word;
  fail("--{} is '{}' and must be one of: {}", name, value, list);
}

double Values::number(const std::string& name, double min, double max) const {
  const double value = to_number(name, text(name));
  if (value < min || value > max) fail("--{} is {} and must be between {} and {}", name, value, min, max);
  return value;
}

std::pair<double, double> Values::range(const std::string& name, double min, double max) const {
  const std::string word = text(name);
  const auto colon = word.find(':');
  if (colon == std::string::npos) {
    const double value = number(name, min, max);
    return {value, value};
  }
  const double low = to_number(name, word.substr(0, colon)), high = to_number(name, word.substr(colon + 1));
  if (low < min || high > max || low > high)
    fail("--{} is '{}' and must be a number or a range LOW:HIGH between {} and {}", name, word, min, max);
  return {low, high};
}

std::uint64_t Values::count(const std::string& name, std::uint64_t min, std::uint64_t max) const {
  const std::string word = text(name);
  std::uint64_t value = 0;
  const auto [stop, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc() || stop != word.data() + word.size() || value < min || value > max)
    fail("--{} is '{}' and must be a whole number between {} and {}", name, word, min, max);
  return value;
}

std::vector<double> Values::numbers(const std::string& name) const {
  std::vector<double> values;
  for (const std::string& word : words(name)) values.push_back(to_number(name, word));
  return values;
}

std::vector<std::string> Values::words(const std::string& name) const {
  const auto parts = split(text(name));
  for (const std::string& part : parts)
    if (part.empty())
      fail("--{} is '{}' and has an empty entry; separate entries by single commas", name, text(name));
  return parts;
}

std::vector<std::string> Values::list(const std::string& name) const { return split(text_.at(name)); }

std::string Values::resolved() const {
  std::string lines;
  for (const std::string& name : order_)
    if (has(name) && name != "config") lines += name + " = " + text_.at(name) + "\n";
  return lines;
}

Command::Command(std::string name, std::string synopsis, std::string description, std::vector<Group> groups,
                 std::string positional)
    : name_(std::move(name)),
      synopsis_(std::move(synopsis)),
      description_(std::move(description)),
      positional_(std::move(positional)),
      groups_(std::move(groups)) {
  groups_.push_back(common_options());
}

std::optional<Values> Command::parse(const std::vector<std::string>& arguments) const {
  const po::options_description description = describe(groups_);
  po::options_description with_words;
  with_words.add(description).add_options()(unexpected, po::value<std::vector<std::string>>());
  po::variables_map given;
  try {
    using namespace po::command_line_style;
    const int style = unix_style & ~allow_guessing;
    po::positional_options_description words;
    if (!positional_.empty()) words.add(positional_.c_str(), 1);
    words.add(unexpected, -1);
    po::store(po::command_line_parser(for_boost(arguments, groups_))
                  .options(with_words)
                  .positional(words)
                  .style(style)
                  .run(),
              given);
    if (given.contains("help")) return std::nullopt;
    if (given.contains(unexpected))
      fail("unexpected word '{}' on the command line; options begin with -- ('tessera {} --help' lists them)",
           restored(given[unexpected].as<std::vector<std::string>>().front()), name_);
    if (given.contains("config")) {
      const std::string path = restored(given["config"].as<std::string>());
      std::istringstream file(config_text(path));
      try {
        const po::parsed_options options = po::parse_config_file(file, description);
        for (const po::option& option : options.options) {
          if (option.string_key == "config" || option.string_key == "help")
            fail("config file '{}' has the option '{}', which is of the command line; take the line out",
                 path, option.string_key);
        }
        po::store(options, given);
      } catch (const po::error& problem) {
        fail("config file '{}': {}; 'tessera {} --help' lists the options", path, restored(problem.what()),
             name_);
      }
    }
  } catch (const po::error& problem) {
    fail("{}; 'tessera {} --help' lists the options", restored(problem.what()), name_);
  }

  Values values;
  for (const Group& group : groups_) {
    for (const Option& option : group.options) {
      const std::string name = long_name(option);
      values.order_.push_back(name);
      if (given.contains(name))
        values.text_[name] = restored(given[name].as<std::string>());
      else if (option.default_text)
        values.text_[name] = *option.default_text;
      if (option.placeholder.empty()) static_cast<void>(values.flag(name));
    }
  }
  return values;
}

Page Command::page() const {
  return {"tessera " + name_, synopsis_, fmt::format("[mpirun -n RANKS] tessera {} [options]", name_),
          description_, groups_};
}

}  // namespace tessera::config
