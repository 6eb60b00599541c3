#include "config/page.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "core/version.hpp"

namespace tessera::config {
namespace {

constexpr std::size_t width = 100;

struct Block {
  enum class Kind { paragraph, item, example } kind;
  std::string term, text;
};

/// Of a line `  term  explanation` the length of what stands before the explanation; 0 if it is none.
std::size_t term_end(const std::string& line) {
  if (!line.starts_with("  ") || line.size() < 3 || line[2] == ' ') return 0;
  const auto gap = line.find("  ", 2);
  return gap == std::string::npos ? 0 : line.find_first_not_of(' ', gap);
}

std::vector<Block> blocks_of(const std::string& text) {
  using enum Block::Kind;
  std::vector<Block> blocks;
  bool fresh = true;  // the line begins a paragraph
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); fresh = line.empty()) {
    const std::size_t end = term_end(line);
    const bool in_example = !fresh && blocks.back().kind == example;
    if (line.empty()) continue;
    if (in_example)
      blocks.back().text += "\n" + line;
    else if (fresh && line.starts_with("example"))
      blocks.push_back({example, "", line});
    else if (end > 0)
      blocks.push_back({item, line.substr(2, line.find("  ", 2) - 2), line.substr(end)});
    else if (fresh || (line[0] != ' ' && blocks.back().kind == item))
      blocks.push_back({paragraph, "", line});
    else
      blocks.back().text += " " + line.substr(line.find_first_not_of(' '));
  }
  return blocks;
}

/// Words filled into lines from `column` on; the first line begins there.
std::string filled(const std::string& text, std::size_t column) {
  std::string lines;
  std::size_t at = column;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (at > column && at + 1 + word.size() > width) {
      lines += '\n';
      lines.append(column, ' ');
      at = column;
    }
    lines += (at > column ? " " : "") + word;
    at += word.size() + (at > column ? 1 : 0);
  }
  return lines;
}

/// A term, and its explanation from `column` on, below a term that is too long.
std::string entry(const std::string& term, const std::string& explanation, std::size_t column) {
  std::string line = "  " + term;
  if (line.size() + 2 > column) line += "\n";
  line.resize(std::max(line.size(), line.ends_with('\n') ? line.size() + column : column), ' ');
  return line + filled(explanation, column) + "\n";
}

std::string term_of(const Option& option) {
  const auto comma = option.name.find(',');
  const std::string letter =
      comma == std::string::npos ? "" : fmt::format("-{}, ", option.name.substr(comma + 1));
  return fmt::format("{}--{}{}{}", letter, option.name.substr(0, comma),
                     option.placeholder.empty() ? "" : " ", option.placeholder);
}

std::string explanation_of(const Option& option) {
  return option.default_text ? fmt::format("{} [{}]", option.help, *option.default_text) : option.help;
}

std::string help_of(const std::vector<Block>& blocks) {
  using enum Block::Kind;
  std::size_t column = 0;
  for (const Block& block : blocks)
    if (block.kind == item) column = std::max(column, block.term.size() + 4);
  std::string text;
  const Block* before = nullptr;
  for (const Block& block : blocks) {
    const bool list_begins = block.kind == item && before != nullptr && before->text.ends_with(':');
    const bool list_goes_on = block.kind == item && before != nullptr && before->kind == item;
    if (!list_begins && !list_goes_on) text += "\n";
    if (block.kind == item)
      text += entry(block.term, block.text, column);
    else
      text += (block.kind == example ? block.text : filled(block.text, 0)) + "\n";
    before = &block;
  }
  return text;
}

/// Text that troff prints as it stands.
std::string troff(const std::string& text) {
  std::string source;
  bool line_begins = true;
  for (const char character : text) {
    if (line_begins && (character == '.' || character == '\'')) source += "\\&";
    if (character == '\\')
      source += "\\e";
    else if (character == '-')
      source += "\\-";
    else
      source += character;
    line_begins = character == '\n';
  }
  return source;
}

std::string man_entry(const std::string& term, const std::string& explanation) {
  return fmt::format(".TP\n.B {}\n{}\n", troff(term), troff(explanation));
}

/// An example without the word before it, the lines below moved as far to the left.
std::string man_example(const std::string& text) {
  const std::size_t indent = text.find(':') + 2;
  std::string moved = text.substr(std::min(indent, text.size()));
  const std::string margin = fmt::format("\n{:{}}", "", indent);
  for (auto at = moved.find(margin); at != std::string::npos; at = moved.find(margin, at + 1))
    moved.replace(at, margin.size(), "\n");
  return fmt::format(".SS Examples\n.EX\n{}\n.EE\n", troff(moved));
}

std::string man_of(const Block& block) {
  using enum Block::Kind;
  if (block.kind == item) return man_entry(block.term, block.text);
  if (block.kind == example) return man_example(block.text);
  return fmt::format(".PP\n{}\n", troff(block.text));
}

}  // namespace

std::string help_text(const Page& page) {
  std::string text = fmt::format("{}: {}\n\nusage: {}\n", page.name, page.synopsis, page.usage);
  text += help_of(blocks_of(page.text));
  if (!page.groups.empty()) text += "\nOptions; what stands in [] holds if the option is not given.\n";
  constexpr std::size_t column = 30;
  for (const Group& group : page.groups) {
    text += fmt::format("\n{}:\n", group.title);
    for (const Option& option : group.options) text += entry(term_of(option), explanation_of(option), column);
  }
  return text;
}

std::string man_page(const Page& page, const std::vector<std::string>& see_also) {
  std::string title = page.name;
  std::replace(title.begin(), title.end(), ' ', '-');
  std::string source =
      fmt::format(".TH {} 1 \"\" \"tessera {}\" \"User Commands\"\n", troff(title), version());
  source += fmt::format(".SH NAME\n{} \\- {}\n", troff(title), troff(page.synopsis));
  source += fmt::format(".SH SYNOPSIS\n{}\n.SH DESCRIPTION\n", troff(page.usage));
  for (const Block& block : blocks_of(page.text)) source += man_of(block);
  if (!page.groups.empty()) source += ".SH OPTIONS\nWhat stands in [] holds if the option is not given.\n";
  for (const Group& group : page.groups) {
    source += fmt::format(".SS {}\n", troff(group.title));
    for (const Option& option : group.options) source += man_entry(term_of(option), explanation_of(option));
  }
  source += ".SH SEE ALSO\n";
  for (const std::string& other : see_also)
    source += fmt::format(".BR {} (1){}\n", troff(other), &other == &see_also.back() ? "" : ",");
  return source;
}

}  // namespace tessera::config
