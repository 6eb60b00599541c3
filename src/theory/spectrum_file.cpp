#include "theory/spectrum_file.hpp"

#include <algorithm>
#include <array>
#include <numbers>
#include <regex>
#include <string_view>

#include "core/error.hpp"
#include "theory/text_table.hpp"

namespace tessera::theory {
namespace {

const TableKind& spectrum_table() {
  static const TableKind kind{
      "spectrum", "lines 'ell C_ell'", "ell", {"ell", "l", "multipole"}, "--spectrum-column"};
  return kind;
}

/// Columns of CMB fields: T, E and the lens potential P (get_lens_potential_cls), alone or with a window.
bool is_cmb(const TextTable& table, const std::string& name) {
  static const std::regex pair(R"re([TEBP]x\w+|\w+x[TEBP])re");
  constexpr std::array<std::string_view, 8> names = {"TT", "TE", "BB", "PP", "PT", "PE", "TP", "EP"};
  if (std::regex_match(name, pair) || std::find(names.begin(), names.end(), name) != names.end()) return true;
  return name == "EE" && find_name(table, "TT") < table.names.size();  // alone it is the E mode of shear
}

/// Traces of D_ell or its kin: ell(ell+1), ell^2, 2 pi, in any spelling.
bool has_factor(const std::string& text) {
  static const std::regex factor(R"re((l|ell)\s*(\+\s*1|(\^|\*\*)\s*2)|\b2\s*\*?\s*pi\b|\bd_?(l|ell)\b)re",
                                 std::regex::icase);
  return std::regex_search(text, factor);
}

std::vector<std::size_t> candidates(const TextTable& table, std::size_t ell) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (i != ell && (table.names.empty() || !is_cmb(table, table.names[i]))) result.push_back(i);
  return result;
}

[[noreturn]] void refuse_cmb(const std::string& path, const std::string& name) {
  fail(
      "column '{}' of spectrum '{}' belongs to the CMB, and the spectrum of the convergence of galaxies is "
      "needed; give a table with such a column, as W1xW1 of CAMB's lensing sources",
      name, path);
}

[[noreturn]] void refuse_kind(const std::string& path, const std::string& why) {
  fail(
      "spectrum '{}' {}, so it is not clear whether it holds C_ell or D_ell = ell(ell+1)C_ell/2pi; say "
      "--spectrum-kind cl or --spectrum-kind dl",
      path, why);
}

/// What the header says about the column.
SpectrumKind kind_of(const TextTable& table, std::size_t column) {
  static const std::regex d_ell(R"re(d_?(l|ell).*|(l|ell)\*?\((l|ell)\+1\)\*?c_?(l|ell)/\(?2\*?pi\)?)re",
                                std::regex::icase);
  static const std::regex c_ell("c_?(l|ell).*", std::regex::icase);
  static const std::regex window(R"re(W\d+xW\d+)re");
  const std::string name = table.names.empty() ? "" : table.names[column];
  if (std::regex_match(name, d_ell)) return SpectrumKind::d_ell;
  if (has_factor(name)) refuse_kind(table.path, "names its column '" + name + "'");
  if (std::regex_match(name, c_ell)) return SpectrumKind::c_ell;
  if (std::regex_match(name, window))
    refuse_kind(table.path,
                "names its column '" + name + "' as CAMB does, which gives D_ell unless raw_cl=True");
  if (std::any_of(table.comments.begin(), table.comments.end(), has_factor))
    refuse_kind(table.path, "speaks of D_ell, 2 pi or ell(ell+1) in its header");
  return SpectrumKind::c_ell;
}

}  // namespace

PowerSpectrum read_spectrum(const std::string& path, const SpectrumChoice& choice) {
  const TextTable table = read_text_table(path, spectrum_table());
  const std::size_t ell_column = abscissa_column(table, spectrum_table());
  const auto possible = candidates(table, ell_column);
  const std::size_t chosen_name = find_name(table, choice.column);
  if (chosen_name < table.names.size() && is_cmb(table, table.names[chosen_name]))
    refuse_cmb(path, table.names[chosen_name]);
  if (possible.empty()) refuse_cmb(path, table.names[ell_column == 0 ? 1 : 0]);
  const std::size_t column = choose_column(table, spectrum_table(), possible, choice.column);
  const SpectrumKind kind = choice.kind == SpectrumKind::from_header ? kind_of(table, column) : choice.kind;
  std::vector<double> ell, c_ell;
  for (std::size_t i = 0; i < table.columns[column].size(); ++i) {
    const double l = table.columns[ell_column][i], value = table.columns[column][i];
    if (l <= 0.0) continue;
    ell.push_back(l);
    c_ell.push_back(kind == SpectrumKind::d_ell ? value * 2.0 * std::numbers::pi / (l * (l + 1.0)) : value);
  }
  return {std::move(ell), std::move(c_ell), path};
}

}  // namespace tessera::theory
