#include "core/text.hpp"

#include <algorithm>
#include <filesystem>
#include <new>

#include "core/error.hpp"

namespace tessera {
namespace {

using Byte = unsigned char;

/// Bytes of the character that a text begins with; 0 if they are no UTF-8.
std::size_t character_length(std::string_view text) {
  const Byte first = static_cast<Byte>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first > 0xF4 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<Byte>(text[i]) & 0xC0U) != 0x80U) return 0;
  // Longer than their value needs, halves of a pair, beyond the last character.
  const Byte second = length > 2 ? static_cast<Byte>(text[1]) : Byte{0};
  const bool forbidden = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                         (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return forbidden ? 0 : length;
}

/// Control characters, also those beyond ASCII, and what ends a line in Unicode.
bool is_printable(std::string_view character) {
  if (character.size() == 1) return static_cast<Byte>(character[0]) >= 32 && character[0] != 127;
  if (character.size() == 2 && character[0] == '\xC2') return static_cast<Byte>(character[1]) >= 0xA0;
  return character != "\xE2\x80\xA8" && character != "\xE2\x80\xA9";
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr std::size_t most = 2000, end = 500;
  std::string line;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    line += length > 0 && is_printable(character) ? character : "?";
    text.remove_prefix(character.size());
  }
  if (line.size() > most) line.replace(most - end, line.size() - most, " ... ");
  return line;
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t most = 40;
  return one_line(text.substr(0, most));
}

std::string description(const std::exception& problem) {
  const std::string_view text = problem.what();
  const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ||
                             text.find("can't allocate memory") != std::string_view::npos;
  if (out_of_memory) return "out of memory; use more ranks on more nodes, a smaller grid or larger pixels";
  if (const auto* const file = dynamic_cast<const std::filesystem::filesystem_error*>(&problem))
    return "cannot use '" + file->path1().string() + "' (" + file->code().message() +
           "); check the path and its permissions";
  const std::string_view said =
      text.substr(0, std::min(text.find("\nframe #"), text.find("\nException raised")));
  return said.empty() ? "unknown error" : std::string(said);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

void require_whole(const std::istream& file, const std::string& path) {
  if (file.bad()) fail("cannot read '{}' to its end; check the disk, and run again", path);
}

void refuse_streams(const std::string& path, std::string_view what) {
  std::error_code ignored;
  const auto type = std::filesystem::status(path, ignored).type();
  using enum std::filesystem::file_type;
  if (type == fifo || type == character || type == socket)
    fail("{} '{}' is no file but a pipe or a device, which ranks cannot read alike; store it as a file first",
         what, path);
}

}  // namespace tessera
