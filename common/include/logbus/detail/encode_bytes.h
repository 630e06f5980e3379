// SPDX-License-Identifier: MIT
// msgpack's bytes, stored big endian with fixed widths, and the types of our extensions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

// Extension types. -1 is msgpack's own timestamp; the others are ours.
inline constexpr std::int8_t kExtTimestamp = -1;
inline constexpr std::int8_t kExtChar = 1;
inline constexpr std::int8_t kExtPointer = 2;
inline constexpr std::int8_t kExtDuration = 3;
inline constexpr std::int8_t kExtText = 4;
inline constexpr std::int8_t kExtTuple = 5;
inline constexpr std::int8_t kExtSet = 6;

// Sizes of the fixed forms, with their tags.
inline constexpr std::uint32_t kStrHeaderSize = 5;        // db, u32
inline constexpr std::uint32_t kExtHeaderSize = 6;        // c9, u32, type
inline constexpr std::uint32_t kContainerHeaderSize = 5;  // dd or df, u32

inline char* put_u8(char* to, unsigned value) noexcept {
  *to = static_cast<char>(static_cast<unsigned char>(value));
  return to + 1;
}
inline char* put_u16(char* to, std::uint16_t value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap16(value);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}
inline char* put_u32(char* to, std::uint32_t value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}
inline char* put_u64(char* to, std::uint64_t value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}
inline char* put_bytes(char* to, const char* bytes, std::size_t size) noexcept {
  if (size != 0) std::memcpy(to, bytes, size);
  return to + size;
}
inline char* put_i64(char* to, std::int64_t value) noexcept {
  return put_u64(put_u8(to, 0xd3), static_cast<std::uint64_t>(value));
}
inline char* put_f64(char* to, double value) noexcept {
  return put_u64(put_u8(to, 0xcb), std::bit_cast<std::uint64_t>(value));
}
inline char* put_ext_header(char* to, std::int8_t type, std::uint32_t size) noexcept {
  return put_u8(put_u32(put_u8(to, 0xc9), size), static_cast<std::uint8_t>(type));
}
inline char* put_str_header(char* to, std::uint32_t size) noexcept {
  return put_u32(put_u8(to, 0xdb), size);
}

/// Header of the payload's array of arguments.
constexpr std::uint32_t array_header_size(std::size_t n) noexcept {
  return n < 16 ? 1 : n < 65536 ? 3 : 5;
}
inline char* write_array_header(char* to, std::size_t n) noexcept {
  if (n < 16) return put_u8(to, 0x90U | static_cast<unsigned>(n));
  if (n < 65536) return put_u16(put_u8(to, 0xdc), static_cast<std::uint16_t>(n));
  return put_u32(put_u8(to, 0xdd), static_cast<std::uint32_t>(n));
}
/// Header of the payload's map of fields.
constexpr std::uint32_t map_header_size(std::size_t n) noexcept {
  return array_header_size(n);
}
inline char* write_map_header(char* to, std::size_t n) noexcept {
  if (n < 16) return put_u8(to, 0x80U | static_cast<unsigned>(n));
  if (n < 65536) return put_u16(put_u8(to, 0xde), static_cast<std::uint16_t>(n));
  return put_u32(put_u8(to, 0xdf), static_cast<std::uint32_t>(n));
}
/// A field's key: not empty, and always the long form. A map of fields has therefore at least eight bytes,
/// and a decoder that finds fewer after the arguments knows them to be the frame's padding.
constexpr std::uint32_t key_size(std::string_view key) noexcept {
  return kStrHeaderSize + static_cast<std::uint32_t>(key.size());
}
inline char* write_key(char* to, std::string_view key) noexcept {
  return put_bytes(put_str_header(to, static_cast<std::uint32_t>(key.size())), key.data(), key.size());
}

/// The largest n <= `limit` at which `text` (longer than `limit`) can be cut without splitting a UTF-8
/// sequence.
inline std::uint32_t utf8_cut(const char* text, std::uint32_t limit) noexcept {
  std::uint32_t n = limit;
  // A sequence has at most three continuation bytes; more of them is no UTF-8, and any place is as good.
  while (n > 0 && limit - n < 4 && (static_cast<unsigned char>(text[n]) & 0xc0U) == 0x80U) --n;
  return limit - n < 4 ? n : limit;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
