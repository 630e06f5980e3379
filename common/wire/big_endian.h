// SPDX-License-Identifier: MIT
// msgpack's numbers, out of bytes of any alignment.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace logbus::wire {

inline std::uint32_t get_u32(const char* bytes) noexcept {
  std::uint32_t value;
  std::memcpy(&value, bytes, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}
inline std::uint64_t get_u64(const char* bytes) noexcept {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

}  // namespace logbus::wire
