// Text tables: values separated by commas, semicolons, tabs or spaces, with a line of column names. Lines
// that begin with # are comments, except that the last one before the values is the line of names if nothing
// else is. Astropy's ECSV is of this kind.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "catalogue/table.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "sky/block_distribution.hpp"

namespace tessera::catalogue {
namespace {

using Fields = std::vector<std::string_view>;

std::string_view trimmed(std::string_view text, const char* unwanted = " \t\r") {
  const auto first = text.find_first_not_of(unwanted);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(unwanted) - first + 1);
}

std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted =
      text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// Where the field that starts at `start` ends: at the next separator outside double quotes.
std::size_t field_end(std::string_view line, std::size_t start, std::string_view separators) {
  const auto first = line.find_first_not_of(' ', start);
  if (first != std::string_view::npos && line[first] == '"') {
    const auto closing = line.find('"', first + 1);
    if (closing != std::string_view::npos) start = closing;
  }
  return std::min(line.size(), line.find_first_of(separators, start));
}

/// separator ' ' means any run of spaces and tabs.
void split(std::string_view line, char separator, Fields& fields) {
  fields.clear();
  const bool runs = separator == ' ';
  const std::string_view separators = runs ? std::string_view(" \t") : std::string_view(&separator, 1);
  if (runs) line = trimmed(line);
  for (std::size_t start = 0;;) {
    const std::size_t end = field_end(line, start, separators);
    fields.push_back(unquoted(line.substr(start, end - start)));
    if (end == line.size()) return;
    start = runs ? line.find_first_not_of(separators, end) : end + 1;
  }
}

/// The separator that the line of names uses; quoted names may hold others.
char separator_of(std::string_view line) {
  std::string bare;
  bool quoted = false;
  for (const char c : trimmed(line)) {
    if (c == '"') quoted = !quoted;
    if (!quoted) bare += c;
  }
  for (const char c : {',', ';', '\t'})
    if (bare.find(c) != std::string::npos) return c;
  return ' ';
}

/// A number, NaN for what stands for a missing one, nothing for other text.
std::optional<double> number_in(std::string_view text) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  for (const char* null : {"", "NA", "na", "null", "NULL", "Null", "--", "nan", "NaN", "NAN"})
    if (text == null) return missing;
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || reason == std::errc::invalid_argument) return std::nullopt;
  if (reason == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);
  return value;
}

bool is_comment(std::string_view line) { return trimmed(line).starts_with('#'); }

class CsvTable final : public Table {
 public:
  explicit CsvTable(const TableLocation& location) : path_(location.path) {
    if (!location.section.empty())
      fail("catalogue '{}' is a text file and has no section '{}'; leave out --section", path_,
           location.section);
    read_header();
    size_ = std::filesystem::file_size(path_);
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  /// A line belongs to the rank in whose bytes it begins.
  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    TESSERA_REQUIRE(!names.empty() && 0 <= rank && rank < ranks);
    std::vector<std::size_t> columns;
    for (const std::string& name : names) columns.push_back(column_index(name));
    TableShare share(names.size());

    const BlockDistribution bytes(size_ - std::min(size_, data_begin_), ranks);
    std::uint64_t offset = data_begin_ + bytes.begin(rank);
    const std::uint64_t end = data_begin_ + bytes.end(rank);
    if (offset == end) return share;
    std::ifstream file = open();
    std::string line;
    if (offset > data_begin_) {
      // From the byte before on: if that is a line's end, the line read here is empty.
      file.seekg(static_cast<std::streamoff>(offset) - 1);
      if (std::getline(file, line)) offset += line.size();
    } else {
      file.seekg(static_cast<std::streamoff>(offset));
    }
    Fields fields;
    for (; offset < end && std::getline(file, line); offset += line.size() + 1) {
      // Between tabs, values may be missing in all columns.
      if (trimmed(line, separator_ == '\t' ? " \r" : " \t\r").empty() || is_comment(line)) continue;
      split(line, separator_, fields);
      append(fields, columns, offset, share);
    }
    if (file.bad()) fail("cannot read catalogue '{}' to its end; check the disk", path_);
    return share;
  }

 private:
  [[nodiscard]] std::ifstream open() const {
    std::ifstream file(path_, std::ios::binary);
    if (!file) fail("cannot read catalogue '{}'; check the path and its permissions", path_);
    return file;
  }

  /// Finds names, separator and the first byte of the values.
  void read_header() {
    std::ifstream file = open();
    std::string line, comment;
    bool at_start = true;
    for (std::uint64_t offset = 0; std::getline(file, line); offset += line.size() + 1) {
      const bool byte_order_mark = std::exchange(at_start, false) && line.starts_with("\xEF\xBB\xBF");
      const std::string_view text = std::string_view(line).substr(byte_order_mark ? 3 : 0);
      if (trimmed(text).empty()) continue;
      if (is_comment(text)) {
        if (const auto words = trimmed(text, "# \t\r"); !words.empty()) comment = words;
        continue;
      }
      const bool has_names = !holds_values(text);
      if (!has_names && comment.empty())
        fail("catalogue '{}' begins with values ('{}'); put a line with the names of the columns before them",
             path_, excerpt(trimmed(text)));
      data_begin_ = has_names ? offset + line.size() + 1 : offset;
      return set_names(has_names ? text : comment);
    }
    // No line but comments: a table without rows has at least its names.
    if (comment.empty())
      fail("catalogue '{}' has no line with the names of the columns; put one before the values", path_);
    data_begin_ = std::numeric_limits<std::uint64_t>::max();
    set_names(comment);
  }

  void set_names(std::string_view line) {
    separator_ = separator_of(line);
    Fields fields;
    split(line, separator_, fields);
    names_.assign(fields.begin(), fields.end());
  }

  /// Any number, or nothing but missing ones.
  static bool holds_values(std::string_view line) {
    Fields fields;
    split(line, separator_of(line), fields);
    std::vector<std::optional<double>> numbers(fields.size());
    std::transform(fields.begin(), fields.end(), numbers.begin(), number_in);
    return std::any_of(numbers.begin(), numbers.end(), [](auto x) { return x && !std::isnan(*x); }) ||
           std::all_of(numbers.begin(), numbers.end(), [](auto x) { return x.has_value(); });
  }

  [[nodiscard]] std::size_t column_index(const std::string& name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end())
      fail("catalogue '{}' has no column '{}' (it has: {}); name one of these", path_, name,
           fmt::join(names_, ", "));
    return static_cast<std::size_t>(found - names_.begin());
  }

  void append(const Fields& fields, const std::vector<std::size_t>& columns, std::uint64_t offset,
              TableShare& share) const {
    if (fields.size() != names_.size())
      fail("line {} of catalogue '{}' has {} fields, but the line of names has {} ({}); mend that line",
           line_number(offset), path_, fields.size(), names_.size(),
           excerpt(fmt::format("{}", fmt::join(names_, ", "))));
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::optional<double> value = number_in(fields[columns[c]]);
      if (!value)
        fail(
            "line {} of catalogue '{}' has '{}' in column '{}', which is not a number; mend it or leave it "
            "empty",
            line_number(offset), path_, excerpt(fields[columns[c]]), names_[columns[c]]);
      share[c].push_back(*value);
    }
  }

  /// Counted only when an error needs it: a rank does not read what is before its share.
  [[nodiscard]] std::uint64_t line_number(std::uint64_t offset) const {
    std::ifstream file = open();
    std::string line;
    std::uint64_t number = 1;
    for (std::uint64_t at = 0; at < offset && std::getline(file, line); at += line.size() + 1) ++number;
    return number;
  }

  std::string path_;
  std::vector<std::string> names_;
  char separator_ = ',';
  std::uint64_t data_begin_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace

std::unique_ptr<Table> open_csv_table(const TableLocation& location) {
  return std::make_unique<CsvTable>(location);
}

}  // namespace tessera::catalogue
