#pragma once

#include <string>

namespace tessera::crash {

// Libraries crash on files that are damaged where they do not look, and where memory ends. While one of them
// is at such work, that end is one line, as of any other error; at other times it is what it is without this.

/// From now on; after MPI, which listens too.
void listen();

/// While it lives, a crash is told by this sentence.
class Guard {
 public:
  explicit Guard(const std::string& sentence);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  Guard(Guard&&) = delete;
  Guard& operator=(Guard&&) = delete;
};

/// While it lives, `what` is read.
class Reading : Guard {
 public:
  explicit Reading(const std::string& what);
};

}  // namespace tessera::crash
