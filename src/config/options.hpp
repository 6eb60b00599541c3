#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/page.hpp"

namespace tessera::config {

/// The resolved options of a run: command line before config file before default. Getters throw Error with
/// the option's name, its value and what is expected.
class Values {
 public:
  [[nodiscard]] bool has(const std::string& name) const { return text_.contains(name); }

  /// All options of the command.
  [[nodiscard]] const std::vector<std::string>& names() const { return order_; }
  /// Entries between commas, whatever they are.
  [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
  [[nodiscard]] bool flag(const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& otherwise) const;
  /// One of the given words.
  [[nodiscard]] std::string choice(const std::string& name, const std::vector<std::string>& allowed) const;
  /// Only check that a value is there, or is one of the given words.
  void require(const std::string& name) const { static_cast<void>(text(name)); }
  void require_choice(const std::string& name, const std::vector<std::string>& allowed) const {
    static_cast<void>(choice(name, allowed));
  }
  /// A number in [min, max].
  [[nodiscard]] double number(const std::string& name, double min, double max) const;
  /// A number, or a range LOW:HIGH, both within [min, max]; {low, high}.
  [[nodiscard]] std::pair<double, double> range(const std::string& name, double min, double max) const;
  [[nodiscard]] std::uint64_t count(const std::string& name, std::uint64_t min, std::uint64_t max) const;
  /// Numbers separated by commas.
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const;
  /// Words separated by commas; empty words are an error.
  [[nodiscard]] std::vector<std::string> words(const std::string& name) const;

  /// Replaces a value, for what the run itself finds out (a field taken from the catalogue).
  void set(const std::string& name, const std::string& text) { text_[name] = text; }

  /// Takes a value away.
  void erase(const std::string& name) { text_.erase(name); }

  /// All options that have a value, as lines `name = value` that --config reads again.
  [[nodiscard]] std::string resolved() const;

 private:
  friend class Command;
  std::vector<std::string> order_;
  std::map<std::string, std::string> text_;
};

/// A command of the program with its options. --config, --help, -v and -q are added to every command.
class Command {
 public:
  /// positional: name of the option that a word without -- stands for; empty: none.
  Command(std::string name, std::string synopsis, std::string description, std::vector<Group> groups,
          std::string positional = {});

  /// arguments: what follows the command's name. Nothing if help was asked for. Error for an unknown option
  /// or key, a missing value, a value given twice, an unexpected word.
  [[nodiscard]] std::optional<Values> parse(const std::vector<std::string>& arguments) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& synopsis() const { return synopsis_; }
  /// What explains it, to the user.
  [[nodiscard]] Page page() const;

 private:
  std::string name_, synopsis_, description_, positional_;
  std::vector<Group> groups_;
};

}  // namespace tessera::config
