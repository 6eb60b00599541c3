#pragma once

#include <cstddef>
#include <string>

#include <boost/crc.hpp>
#include <fmt/format.h>

namespace tessera {

/// CRC-64 (ECMA-182): finds damage, not malice.
class Checksum {
 public:
  void add(const void* bytes, std::size_t count) { crc_.process_bytes(bytes, count); }
  /// Sixteen hexadecimal digits.
  [[nodiscard]] std::string text() const { return fmt::format("{:016x}", crc_.checksum()); }

 private:
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693ULL, 0, 0, false, false> crc_;
};

}  // namespace tessera
