#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tessera::config {

/// An option of a command, given as --name VALUE on the command line or `name = VALUE` in a --config file.
struct Option {
  std::string name;         // "verbose,v" if it has a letter
  std::string placeholder;  // what stands for the value in the help; empty: a switch
  std::string help;
  std::optional<std::string> default_text = std::nullopt;
};

/// Options under one heading of the help.
struct Group {
  std::string title;
  std::vector<Option> options;
};

/// What explains the program or one of its commands, for the terminal and as a man page.
struct Page {
  std::string name;      // "tessera map"
  std::string synopsis;  // what it is, in half a line
  std::string usage;
  /// Paragraphs between empty lines. Lines `  term  explanation`, two spaces and two or more, are a list; a
  /// paragraph that begins with "example" is shown as it is.
  std::string text;
  std::vector<Group> groups;
};

[[nodiscard]] std::string help_text(const Page& page);

/// Source of the man page in section 1, for troff; see_also: pages of that section.
[[nodiscard]] std::string man_page(const Page& page, const std::vector<std::string>& see_also);

}  // namespace tessera::config
