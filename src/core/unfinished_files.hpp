#pragma once

#include <string>

namespace tessera::unfinished_files {

// Files in the middle of being written, which a process that ends without unwinding would leave behind. Not
// for several threads at a time.

void add(const std::string& path);
/// It is whole, or gone.
void remove(const std::string& path);
/// Deletes those that there are, as the last deed before an end; safe in a signal handler. Of processes that
/// do so of the same files it returns true to one: that which may speak. True if there are none, or if they
/// cannot be deleted.
bool delete_all();

}  // namespace tessera::unfinished_files
