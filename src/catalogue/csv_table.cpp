// Text tables: a header line with the columns' names (with or without a leading '#'), then a row a line,
// separated by commas, semicolons, tabs or spaces. astropy's ECSV reads as well. Empty fields, nan, null, NA
// and -- are missing values.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include "catalogue/table.hpp"
#include "core/error.hpp"

namespace tessera::catalogue {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\"'";
  const auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The separator of a header line; ' ' stands for any run of blanks.
char separator_of(std::string_view header) {
  for (const char candidate : {',', ';', '\t'})
    if (header.find(candidate) != std::string_view::npos) return candidate;
  return ' ';
}

void split(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  if (separator == ' ') {
    for (std::size_t at = line.find_first_not_of(" \t\r"); at != std::string_view::npos;
         at = line.find_first_not_of(" \t\r", at)) {
      const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
      fields.push_back(trimmed(line.substr(at, end - at)));
      at = end;
    }
    return;
  }
  for (std::size_t at = 0;;) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    fields.push_back(trimmed(line.substr(at, end - at)));
    if (end == line.size()) return;
    at = end + 1;
  }
}

std::optional<double> number(std::string_view field) {
  for (const std::string_view missing : {"", "nan", "NaN", "NAN", "null", "NULL", "NA", "--"})
    if (field == missing) return NAN;
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = NAN;
  const auto [stop, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (stop != field.data() + field.size() || problem == std::errc::invalid_argument) return std::nullopt;
  return value;  // out of range: from_chars leaves NaN, which is counted as not finite
}

bool is_comment(std::string_view line) { return line.starts_with('#'); }

class CsvTable final : public Table {
 public:
  explicit CsvTable(const TableLocation& location) : path_(location.path) {
    if (!location.section.empty())
      fail("catalogue '{}' is text and has no section '{}'; leave --section out", path_, location.section);
    read_header();
  }

  [[nodiscard]] const std::vector<std::string>& column_names() const override { return names_; }

  [[nodiscard]] TableShare read_share(const std::vector<std::string>& names, int rank,
                                      int ranks) const override {
    std::vector<std::size_t> columns;
    for (const std::string& name : names) {
      const auto found = std::find(names_.begin(), names_.end(), name);
      if (found == names_.end()) fail("catalogue '{}' has no column '{}'", path_, name);
      columns.push_back(static_cast<std::size_t>(found - names_.begin()));
    }
    TableShare share(names.size());
    // A line belongs to the rank in whose range of bytes it begins.
    const std::uint64_t size = std::filesystem::file_size(path_) - data_start_;
    const auto bound = [&](int r) {
      return data_start_ + size / static_cast<std::uint64_t>(ranks) * static_cast<std::uint64_t>(r) +
             std::min(size % static_cast<std::uint64_t>(ranks), static_cast<std::uint64_t>(r));
    };
    read_lines(bound(rank), bound(rank + 1), columns, share);
    return share;
  }

 private:
  void read_header() {
    std::ifstream file(path_, std::ios::binary);
    std::string line, last_comment;
    std::vector<std::string_view> fields;
    while (std::getline(file, line)) {
      if (trimmed(line).empty()) continue;
      if (is_comment(line)) {
        last_comment = line.substr(1);
        data_start_ = static_cast<std::uint64_t>(file.tellg());
        continue;
      }
      separator_ = separator_of(line);
      split(line, separator_, fields);
      const bool is_data =
          std::all_of(fields.begin(), fields.end(), [](auto f) { return number(f).has_value(); });
      if (is_data) {
        separator_ = separator_of(line);
        split(last_comment, separator_of(last_comment), fields);
      } else {
        data_start_ =
            file.eof() ? std::filesystem::file_size(path_) : static_cast<std::uint64_t>(file.tellg());
      }
      names_.assign(fields.begin(), fields.end());
      break;
    }
    if (names_.empty())
      fail(
          "text catalogue '{}' has no header line; begin it with a line of column names such as "
          "'ra,dec,e1,e2,w'",
          path_);
  }

  void read_lines(std::uint64_t begin, std::uint64_t end, const std::vector<std::size_t>& columns,
                  TableShare& share) const {
    std::ifstream file(path_, std::ios::binary);
    std::string line;
    std::uint64_t at = begin;
    if (begin > data_start_) {
      // Skip the line that began before; if the byte before is a newline, that line is empty.
      file.seekg(static_cast<std::streamoff>(begin - 1));
      std::getline(file, line);
      at = begin + line.size();
    } else {
      file.seekg(static_cast<std::streamoff>(begin));
    }
    std::vector<std::string_view> fields;
    while (at < end && std::getline(file, line)) {
      const std::uint64_t here = at;
      at += line.size() + 1;
      if (trimmed(line).empty() || is_comment(line)) continue;
      split(line, separator_, fields);
      if (fields.size() != names_.size())
        fail("the line at byte {} of catalogue '{}' has {} fields where the header has {}; mend the file",
             here, path_, fields.size(), names_.size());
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const auto value = number(fields[columns[c]]);
        if (!value)
          fail(
              "the line at byte {} of catalogue '{}' has '{}' in column '{}' where a number is expected; "
              "mend the file",
              here, path_, fields[columns[c]], names_[columns[c]]);
        share[c].push_back(*value);
      }
    }
    if (file.bad()) fail("reading catalogue '{}' failed half way; check the disk", path_);
  }

  std::string path_;
  std::vector<std::string> names_;
  char separator_ = ',';
  std::uint64_t data_start_ = 0;
};

}  // namespace

std::unique_ptr<Table> open_csv_table(const TableLocation& location) {
  return std::make_unique<CsvTable>(location);
}

}  // namespace tessera::catalogue
