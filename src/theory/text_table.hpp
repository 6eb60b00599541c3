#pragma once

#include <string>
#include <vector>

namespace tessera::theory {

/// What a reader expects of its tables, and how its messages speak of them.
struct TableKind {
  std::string noun;                  // "spectrum"
  std::string layout;                // "lines 'ell C_ell'"
  std::string abscissa;              // "ell": the first column, and the file of a folder
  std::vector<std::string> aliases;  // names of the abscissa in a header, in lower case
  std::string option;                // that chooses a column
};

/// Columns of numbers with the names their header gives.
struct TextTable {
  std::string path;
  std::vector<std::string> comments;         // without '#'
  std::vector<std::string> names;            // one a column, or empty
  std::vector<std::vector<double>> columns;  // at least two, of one length, which may be 0
  bool folder;
};

/// Reads a text file: rows of numbers, '#' begins a comment. The header is the last comment before the
/// numbers that has one word a column (after a split at spaces and commas), one of them a name of the
/// abscissa; a first line that begins with such a name needs no '#'. Or reads a section of CosmoSIS, a
/// folder of one column a file: ABSCISSA.txt and bin_*.txt, in order of their names, which are the stems.
/// Error if it cannot be read, holds what is no number, or has rows of unlike lengths or one column only.
[[nodiscard]] TextTable read_text_table(const std::string& path, const TableKind& kind);

/// The column of the abscissa: the one the header names so, or the first.
[[nodiscard]] std::size_t abscissa_column(const TextTable& table, const TableKind& kind);

/// The column that `choice` names or numbers (from 1) among `candidates`; with no choice the only candidate.
/// Error, with the list of what can be typed, if that is none or more than one.
[[nodiscard]] std::size_t choose_column(const TextTable& table, const TableKind& kind,
                                        const std::vector<std::size_t>& candidates,
                                        const std::string& choice);

/// Position of a name in the header, whatever its case; names.size() if it is not there.
[[nodiscard]] std::size_t find_name(const TextTable& table, const std::string& name);

[[nodiscard]] std::string lower_case(std::string text);

}  // namespace tessera::theory
