#include "theory/text_table.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/ranges.h>

#include "core/error.hpp"
#include "core/text.hpp"

namespace tessera::theory {
namespace {

std::vector<std::string> split(std::string line, bool at_commas) {
  if (at_commas) std::replace(line.begin(), line.end(), ',', ' ');
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::optional<double> number(const std::string& word) {
  double value = 0.0;
  const char* const end = word.data() + word.size();
  const auto [stop, problem] = std::from_chars(word.data(), end, value);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

bool names_abscissa(const std::string& word, const TableKind& kind) {
  return std::find(kind.aliases.begin(), kind.aliases.end(), lower_case(word)) != kind.aliases.end();
}

// What regular expressions are matched with must be short: the library's matching is recursive.
constexpr std::size_t longest_name = 200, longest_comment = 1000;

bool is_too_long(const std::string& name) { return name.size() > longest_name; }

/// Reads one file, line by line.
class TableParser {
 public:
  TableParser(const std::string& path, const TableKind& kind)
      : kind_(&kind), table_{path, {}, {}, {}, false} {}

  void add(std::string line) {
    ++line_number_;
    const std::size_t hash = line.find('#');
    if (hash != std::string::npos) {
      add_comment(line.substr(hash + 1));
      line.resize(hash);
    }
    const auto words = split(line, false);
    if (!words.empty() && table_.columns.empty() && is_header(line))
      add_comment(line);
    else if (!words.empty())
      add_row(words);
  }

  TextTable finish() {
    for (const std::string& line : headers_) {
      const auto words = split(line, true);
      if (words.size() != table_.columns.size() || std::any_of(words.begin(), words.end(), is_too_long))
        continue;
      if (std::any_of(words.begin(), words.end(), [&](const auto& w) { return names_abscissa(w, *kind_); }))
        table_.names = words;
    }
    return std::move(table_);
  }

 private:
  void add_comment(std::string text) {
    text.erase(0, text.find_first_not_of("# \t"));
    if (table_.columns.empty()) headers_.push_back(text);
    table_.comments.push_back(text.substr(0, longest_comment));
  }

  [[nodiscard]] bool is_header(const std::string& line) const {
    const auto words = split(line, true);
    return !words.empty() && names_abscissa(words.front(), *kind_);
  }

  void add_row(const std::vector<std::string>& words) {
    if (table_.columns.empty()) table_.columns.resize(words.size());
    if (words.size() != table_.columns.size())
      fail("line {} of {} '{}' has {} columns where {} are expected; mend the table", line_number_,
           kind_->noun, table_.path, words.size(), table_.columns.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto value = number(words[i]);
      if (!value)
        fail("line {} of {} '{}' holds '{}' where a number is expected; give {}", line_number_, kind_->noun,
             table_.path, excerpt(words[i]), kind_->layout);
      table_.columns[i].push_back(*value);
    }
  }

  const TableKind* kind_;
  TextTable table_;
  std::vector<std::string> headers_;
  std::size_t line_number_ = 0;
};

TextTable parse_file(const std::string& path, const TableKind& kind) {
  refuse_streams(path, kind.noun);
  std::ifstream file(path);
  if (!file)
    fail("cannot read {} '{}' ({}); give a text file with {}", kind.noun, path, std::strerror(errno),
         kind.layout);
  TableParser parser(path, kind);
  constexpr const char* byte_order_mark = "\xEF\xBB\xBF";
  bool first = true;
  for (std::string line; std::getline(file, line); first = false) {
    if (first && line.starts_with(byte_order_mark)) line.erase(0, 3);
    parser.add(std::move(line));
  }
  require_whole(file, path);
  return parser.finish();
}

TextTable read_file(const std::string& path, const TableKind& kind) {
  TextTable table = parse_file(path, kind);
  if (table.columns.empty())
    fail("{} '{}' has no row of numbers; give a text file with {}", kind.noun, path, kind.layout);
  if (table.columns.size() == 1)
    fail("{} '{}' has one column, so it is not known where its values lie; give {}", kind.noun, path,
         kind.layout);
  return table;
}

std::vector<double> read_single_column(const std::string& path, const TableKind& kind) {
  TextTable table = parse_file(path, kind);
  if (table.columns.size() != 1)
    fail("'{}' has {} columns where a section of CosmoSIS has one number a line; give a text file with {}",
         path, table.columns.size(), kind.layout);
  return std::move(table.columns.front());
}

std::vector<std::string> bins_of(const std::string& folder) {
  std::vector<std::string> bins;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const auto file = entry.path().filename();
    if (file.extension() == ".txt" && file.string().starts_with("bin_")) bins.push_back(file.stem().string());
  }
  if (problem) fail("cannot read the folder '{}' ({}); check its permissions", folder, problem.message());
  std::sort(bins.begin(), bins.end());
  return bins;
}

TextTable read_folder(const std::string& path, const TableKind& kind) {
  const std::string abscissa = fmt::format("{}/{}.txt", path, kind.abscissa);
  TextTable table{path, {}, {kind.abscissa}, {}, true};
  for (std::string& bin : bins_of(path)) table.names.push_back(std::move(bin));
  std::error_code ignored;
  if (!std::filesystem::exists(abscissa, ignored) || table.names.size() == 1)
    fail(
        "{} '{}' is a folder without {}.txt and bin_*.txt, so no section of CosmoSIS; give such a section "
        "or a text file with {}",
        kind.noun, path, kind.abscissa, kind.layout);
  for (const std::string& name : table.names) {
    table.columns.push_back(read_single_column(fmt::format("{}/{}.txt", path, name), kind));
    if (table.columns.back().size() != table.columns.front().size())
      fail("'{}/{}.txt' has {} values and {}.txt has {}, which must be as many; write the section anew", path,
           name, table.columns.back().size(), kind.abscissa, table.columns.front().size());
  }
  return table;
}

std::string choices(const TextTable& table, const std::vector<std::size_t>& candidates) {
  std::vector<std::string> words;
  for (const std::size_t i : candidates)
    words.push_back(table.names.empty() ? std::to_string(i + 1) : table.names[i]);
  return fmt::format("{}", fmt::join(words, ", "));
}

/// The column with a number, from 1, among the candidates.
std::optional<std::size_t> numbered(const TextTable& table, const std::vector<std::size_t>& candidates,
                                    const std::string& text) {
  std::size_t value = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (table.folder || problem != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  if (std::find(candidates.begin(), candidates.end(), value - 1) == candidates.end()) return std::nullopt;
  return value - 1;
}

/// Every candidate of that name, as it is written, or whatever its case if none is written so.
std::vector<std::size_t> named(const TextTable& table, const std::vector<std::size_t>& candidates,
                               const std::string& text) {
  std::vector<std::size_t> exact, similar;
  for (const std::size_t i : candidates) {
    if (table.names.empty()) continue;
    if (table.names[i] == text) exact.push_back(i);
    if (lower_case(table.names[i]) == lower_case(text)) similar.push_back(i);
  }
  return exact.empty() ? similar : exact;
}

}  // namespace

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

TextTable read_text_table(const std::string& path, const TableKind& kind) {
  return is_folder(path) ? read_folder(path, kind) : read_file(path, kind);
}

std::size_t find_name(const TextTable& table, const std::string& name) {
  const auto same = [&](const std::string& other) { return lower_case(other) == lower_case(name); };
  return static_cast<std::size_t>(std::find_if(table.names.begin(), table.names.end(), same) -
                                  table.names.begin());
}

std::size_t abscissa_column(const TextTable& table, const TableKind& kind) {
  const auto is_abscissa = [&](const std::string& name) { return names_abscissa(name, kind); };
  const auto found = std::find_if(table.names.begin(), table.names.end(), is_abscissa);
  if (found == table.names.end()) return 0;
  if (std::any_of(found + 1, table.names.end(), is_abscissa))
    fail(
        "the header of {} '{}' names {} more than once, so it is not clear which column it is; mend the "
        "header",
        kind.noun, table.path, kind.abscissa);
  return static_cast<std::size_t>(found - table.names.begin());
}

std::size_t choose_column(const TextTable& table, const TableKind& kind,
                          const std::vector<std::size_t>& candidates, const std::string& choice) {
  if (choice.empty() && candidates.size() == 1) return candidates.front();
  const std::string known = choices(table, candidates);
  if (choice.empty())
    fail("{} '{}' has {} columns and it is not clear which one to take; choose with {}, one of: {}",
         kind.noun, table.path, table.columns.size(), kind.option, known);
  // Bin pairs are named by numbers: 11 is a name, and may be a position too.
  const bool only_name = choice.starts_with("name:"), only_number = choice.starts_with("number:");
  const std::string text = only_name || only_number ? choice.substr(choice.find(':') + 1) : choice;
  const auto names = only_number ? std::vector<std::size_t>() : named(table, candidates, text);
  const auto position = only_name ? std::nullopt : numbered(table, candidates, text);
  if (names.size() > 1)
    fail("{} columns of {} '{}' are named '{}', so it is not clear which one to take; give {} number:{}",
         names.size(), kind.noun, table.path, text, kind.option, names.front() + 1);
  if (names.size() == 1 && position && *position != names.front())
    fail(
        "'{}' is the name of column {} of {} '{}' and the number of column '{}', so it is not clear which "
        "one to take; give {} name:{} or number:{}",
        text, names.front() + 1, kind.noun, table.path, table.names[*position], kind.option, text, text);
  if (names.size() == 1) return names.front();
  if (position) return *position;
  fail("{} {} is no column of {} '{}'; choose one of: {}", kind.option, choice, kind.noun, table.path, known);
}

}  // namespace tessera::theory
