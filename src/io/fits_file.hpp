#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <fitsio.h>

namespace tessera::io {

// FITS files by one process; Errors name the file.

struct FitsCloser {
  void operator()(fitsfile* file) const;
};
using FitsFile = std::unique_ptr<fitsfile, FitsCloser>;

/// Turns a status of cfitsio into Error("cannot <what> FITS file ...; <advice>").
void check_fits(int status, const std::string& path, const std::string& what,
                const char* advice = "check that it is complete, for example with fitsverify");

/// Opens a file for reading, also one compressed with gzip.
[[nodiscard]] FitsFile open_fits(const std::string& path);

/// Creates a file for writing; replaces one of that name.
[[nodiscard]] FitsFile create_fits(const std::string& path);

/// Closes a file that was written, if `status` of what was written to it is good; Error otherwise.
void close_written_fits(FitsFile file, const std::string& path, int status);

/// Text of a keyword; empty if there is none.
[[nodiscard]] std::string fits_text_key(fitsfile* file, const char* name);

/// Bytes of the file; of a compressed one after unpacking.
[[nodiscard]] std::uintmax_t fits_size_on_disk(fitsfile* file, const std::string& path);

/// Error if the current extension reaches beyond `size`: cfitsio would fill what is missing with zeros or
/// stop in the middle.
void require_complete_fits(fitsfile* file, const std::string& path, std::uintmax_t size);

}  // namespace tessera::io
