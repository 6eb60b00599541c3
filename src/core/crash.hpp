#pragma once

#include <string>

namespace tessera::crash {

// Libraries crash on files that are damaged where they do not look. While a file is read, such an end is one
// line that names it, as of any other error; at other times it is what it is without this.

/// From now on; after MPI, which listens too.
void listen();

/// While it lives, `what` is read.
class Reading {
 public:
  explicit Reading(const std::string& what);
  ~Reading();
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  Reading(Reading&&) = delete;
  Reading& operator=(Reading&&) = delete;
};

}  // namespace tessera::crash
