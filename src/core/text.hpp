#pragma once

#include <exception>
#include <istream>
#include <string>
#include <string_view>

namespace tessera {

/// Text as a message can show it: on one line, without what commands a terminal, valid UTF-8; of a long one
/// the beginning and the end.
[[nodiscard]] std::string one_line(std::string_view text);

/// The beginning of text from a file, for an error that quotes it.
[[nodiscard]] std::string excerpt(std::string_view text);

/// What an exception says, for a message: a failed allocation in our words, LibTorch's without its list of
/// calls.
[[nodiscard]] std::string description(const std::exception& problem);

/// Whether the path is a folder, as far as can be seen.
[[nodiscard]] bool is_folder(const std::string& path);

/// Error if a text was not read to its end because its file could not be: it would be taken for a shorter
/// one.
void require_whole(const std::istream& file, const std::string& path);

/// Error if the path is a pipe, a device or a socket: ranks that read one share its bytes, and may wait for
/// ever. `what` it should be is for the message. Paths without a file pass.
void refuse_streams(const std::string& path, std::string_view what);

}  // namespace tessera
