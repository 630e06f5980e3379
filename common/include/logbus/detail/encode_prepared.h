// SPDX-License-Identifier: MIT
// An argument that is ready to be written: what it is, made of plain types, its size, its bytes.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_bytes.h>
#include <logbus/detail/encode_kind.h>
#include <logbus/detail/encode_scratch.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

// What prepare() makes: trivially copyable, one type per form on the wire.
struct PreparedBool {
  bool value;
};
struct PreparedInt32 {
  std::int32_t value;
};
struct PreparedUint32 {
  std::uint32_t value;
};
struct PreparedInt64 {
  std::int64_t value;
};
struct PreparedUint64 {
  std::uint64_t value;
};
struct PreparedChar {
  char value;
};
struct PreparedFloat {
  float value;
};
struct PreparedDouble {
  double value;
};
struct PreparedPointer {
  std::uint64_t address;
};
struct PreparedTimePoint {
  std::int64_t seconds;  // floored
  std::uint32_t nanoseconds;
};
struct PreparedDuration {
  std::uint32_t numerator;
  std::uint32_t denominator;
  std::uint64_t count;  // an int64 or a double, its bits
  bool floating;
};
/// Borrowed from the caller until write().
struct PreparedString {
  const char* data;
  std::uint32_t size;
};
/// A whole msgpack value in the scratch buffer, or (offset kLeftOut) the words that stand for one too large.
struct PreparedBytes {
  std::uint32_t offset;
  std::uint32_t size;
};
inline constexpr std::uint32_t kLeftOut = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::string_view kLeftOutText = "<argument too large>";

[[gnu::cold]] inline PreparedBytes left_out() noexcept {
  return {kLeftOut, kExtHeaderSize + static_cast<std::uint32_t>(kLeftOutText.size())};
}

inline PreparedString prepare_string(const char* data, std::size_t size) noexcept {
  constexpr std::size_t kMax = std::numeric_limits<std::uint32_t>::max() / 4;  // no record is larger
  return {data, static_cast<std::uint32_t>(size < kMax ? size : kMax)};
}

template <class T>
inline PreparedString prepare_string(const T& value) noexcept {
  if constexpr (is_char_array_v<T>) {
    return prepare_string(value, ::strnlen(value, sizeof value));
  } else if constexpr (std::is_pointer_v<T>) {
    return value == nullptr ? PreparedString{"(null)", 6} : prepare_string(value, std::strlen(value));
  } else if constexpr (PathLike<T>) {
    return prepare_string(value.native().data(), value.native().size());
  } else {
    return prepare_string(value.data(), value.size());
  }
}

template <class D>
inline PreparedTimePoint prepare_time(
    const std::chrono::time_point<std::chrono::system_clock, D>& time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return {static_cast<std::int64_t>(seconds.time_since_epoch().count()),
          static_cast<std::uint32_t>(rest.count())};
}

template <class R, class P>
inline PreparedDuration prepare_duration(const std::chrono::duration<R, P>& duration) noexcept {
  constexpr auto n = static_cast<std::uint32_t>(P::type::num);
  constexpr auto d = static_cast<std::uint32_t>(P::type::den);
  if constexpr (std::is_integral_v<R>) {
    return {n, d, static_cast<std::uint64_t>(static_cast<std::int64_t>(duration.count())), false};
  } else {
    return {n, d, std::bit_cast<std::uint64_t>(static_cast<double>(duration.count())), true};
  }
}

/// For every type whose bytes need no scratch buffer.
template <class T>
inline auto prepare_plain(const T& value) noexcept {
  constexpr ArgumentKind kind = argument_kind_v<T>;
  if constexpr (kind == ArgumentKind::kBool) {
    return PreparedBool{static_cast<bool>(value)};
  } else if constexpr (kind == ArgumentKind::kInt32) {
    return PreparedInt32{static_cast<std::int32_t>(value)};
  } else if constexpr (kind == ArgumentKind::kUint32) {
    return PreparedUint32{static_cast<std::uint32_t>(value)};
  } else if constexpr (kind == ArgumentKind::kInt64) {
    return PreparedInt64{static_cast<std::int64_t>(value)};
  } else if constexpr (kind == ArgumentKind::kUint64) {
    return PreparedUint64{static_cast<std::uint64_t>(value)};
  } else if constexpr (kind == ArgumentKind::kChar) {
    return PreparedChar{static_cast<char>(value)};
  } else if constexpr (kind == ArgumentKind::kFloat) {
    return PreparedFloat{value};
  } else if constexpr (kind == ArgumentKind::kDouble) {
    return PreparedDouble{value};
  } else if constexpr (kind == ArgumentKind::kPointer) {
    if constexpr (std::is_null_pointer_v<std::remove_cvref_t<T>>) {
      return PreparedPointer{0};
    } else {
      return PreparedPointer{reinterpret_cast<std::uintptr_t>(value)};
    }
  } else if constexpr (kind == ArgumentKind::kTimePoint) {
    return prepare_time(value);
  } else if constexpr (kind == ArgumentKind::kDuration) {
    return prepare_duration(value);
  } else {
    static_assert(kind == ArgumentKind::kString);
    return prepare_string(value);
  }
}

constexpr std::uint32_t wire_size(const PreparedBool&) noexcept {
  return 1;
}
constexpr std::uint32_t wire_size(const PreparedInt32&) noexcept {
  return 5;
}
constexpr std::uint32_t wire_size(const PreparedUint32&) noexcept {
  return 5;
}
constexpr std::uint32_t wire_size(const PreparedInt64&) noexcept {
  return 9;
}
constexpr std::uint32_t wire_size(const PreparedUint64&) noexcept {
  return 9;
}
constexpr std::uint32_t wire_size(const PreparedChar&) noexcept {
  return 3;
}
constexpr std::uint32_t wire_size(const PreparedFloat&) noexcept {
  return 5;
}
constexpr std::uint32_t wire_size(const PreparedDouble&) noexcept {
  return 9;
}
constexpr std::uint32_t wire_size(const PreparedPointer&) noexcept {
  return 10;
}
constexpr std::uint32_t wire_size(const PreparedTimePoint&) noexcept {
  return 15;
}
constexpr std::uint32_t wire_size(const PreparedDuration&) noexcept {
  return 20;
}
constexpr std::uint32_t wire_size(const PreparedString& p) noexcept {
  return kStrHeaderSize + p.size;
}
constexpr std::uint32_t wire_size(const PreparedBytes& p) noexcept {
  return p.size;
}

// write() stores exactly wire_size() bytes and returns one past the last.
inline char* write(char* to, const PreparedBool& p, const Scratch&) noexcept {
  return put_u8(to, 0xc2U + static_cast<unsigned>(p.value));
}
inline char* write(char* to, const PreparedInt32& p, const Scratch&) noexcept {
  return put_u32(put_u8(to, 0xd2), static_cast<std::uint32_t>(p.value));
}
inline char* write(char* to, const PreparedUint32& p, const Scratch&) noexcept {
  return put_u32(put_u8(to, 0xce), p.value);
}
inline char* write(char* to, const PreparedInt64& p, const Scratch&) noexcept {
  return put_i64(to, p.value);
}
inline char* write(char* to, const PreparedUint64& p, const Scratch&) noexcept {
  return put_u64(put_u8(to, 0xcf), p.value);
}
inline char* write(char* to, const PreparedChar& p, const Scratch&) noexcept {
  return put_u8(put_u8(put_u8(to, 0xd4), kExtChar), static_cast<unsigned char>(p.value));
}
inline char* write(char* to, const PreparedFloat& p, const Scratch&) noexcept {
  return put_u32(put_u8(to, 0xca), std::bit_cast<std::uint32_t>(p.value));
}
inline char* write(char* to, const PreparedDouble& p, const Scratch&) noexcept {
  return put_f64(to, p.value);
}
inline char* write(char* to, const PreparedPointer& p, const Scratch&) noexcept {
  return put_u64(put_u8(put_u8(to, 0xd7), kExtPointer), p.address);
}
inline char* write(char* to, const PreparedTimePoint& p, const Scratch&) noexcept {
  to = put_u8(put_u8(put_u8(to, 0xc7), 12), static_cast<std::uint8_t>(kExtTimestamp));
  return put_u64(put_u32(to, p.nanoseconds), static_cast<std::uint64_t>(p.seconds));
}
inline char* write(char* to, const PreparedDuration& p, const Scratch&) noexcept {
  to = put_u8(put_u8(put_u8(to, 0xc7), 17), kExtDuration);
  to = put_u32(put_u32(to, p.numerator), p.denominator);
  return put_u64(put_u8(to, p.floating ? 0xcb : 0xd3), p.count);
}
inline char* write(char* to, const PreparedString& p, const Scratch&) noexcept {
  return put_bytes(put_str_header(to, p.size), p.data, p.size);
}
inline char* write(char* to, const PreparedBytes& p, const Scratch& scratch) noexcept {
  if (p.offset != kLeftOut) return put_bytes(to, scratch.at(p.offset), p.size);
  return put_bytes(put_ext_header(to, kExtText, p.size - kExtHeaderSize), kLeftOutText.data(),
                   kLeftOutText.size());
}

// cut() makes `prepared` carry at most `limit` bytes of text; true if it had more and was shortened, at a
// UTF-8 boundary. Of what is made of parts (a container), nothing is left but the words that say so. Scalars
// stay.
template <class P>
inline bool cut(P&, std::uint32_t, Scratch&) noexcept {
  return false;
}
inline bool cut(PreparedString& prepared, std::uint32_t limit, Scratch&) noexcept {
  if (prepared.size <= limit) return false;
  prepared.size = utf8_cut(prepared.data, limit);
  return true;
}
inline bool cut(PreparedBytes& prepared, std::uint32_t limit, Scratch& scratch) noexcept {
  if (prepared.offset == kLeftOut) return false;
  char* const bytes = scratch.at(prepared.offset);
  const bool str = static_cast<unsigned char>(bytes[0]) == 0xdb;
  const bool text = static_cast<unsigned char>(bytes[0]) == 0xc9 && bytes[5] == kExtText;
  const std::uint32_t header = str ? kStrHeaderSize : kExtHeaderSize;
  if (prepared.size <= header + limit) return false;
  if (str || text) {
    const std::uint32_t size = utf8_cut(bytes + header, limit);
    put_u32(bytes + 1, size);
    prepared.size = header + size;
  } else {
    prepared = left_out();
  }
  return true;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
