// SPDX-License-Identifier: MIT
// Call-site arguments as msgpack: prepared first (user code, one strlen), sized, then written in place.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_bytes.h>
#include <logbus/detail/encode_kind.h>
#include <logbus/detail/encode_scratch.h>
#include <logbus/detail/encode_text.h>

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

/// Containers may nest this deep at run time (recursive user types); what is deeper becomes a text.
inline constexpr int kMaxNesting = 16;

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

/// Appends one value at any depth of a container. May throw what user code throws.
template <class T>
void append_value(Scratch& scratch, const T& value, std::string_view spec, int depth);

template <class Container, class Each>
inline void append_items(Scratch& scratch, unsigned tag, const Container& container, Each each) {
  // The count is patched in afterwards, so that a range need not know its size.
  const std::uint32_t start = scratch.size();
  if (char* to = scratch.reserve(kContainerHeaderSize)) put_u8(to, tag);
  std::uint32_t count = 0;
  for (auto&& item : container) {
    each(item);
    ++count;
  }
  if (!scratch.failed()) put_u32(scratch.at(start) + 1, count);
}

template <class T>
inline void append_list(Scratch& scratch, const T& value, int depth) {
  append_items(scratch, 0xdd, value, [&](const auto& item) { append_value(scratch, item, {}, depth + 1); });
}

/// Appends an extension whose payload is what `payload` appends.
template <class Payload>
inline void append_ext(Scratch& scratch, std::int8_t type, Payload payload) {
  const std::uint32_t start = scratch.size();
  scratch.reserve(kExtHeaderSize);
  payload();
  if (!scratch.failed()) put_ext_header(scratch.at(start), type, scratch.size() - start - kExtHeaderSize);
}

template <class T>
inline void append_tuple(Scratch& scratch, const T& value, int depth) {
  append_ext(scratch, kExtTuple, [&] {
    constexpr std::size_t n = std::tuple_size_v<T>;
    if (char* to = scratch.reserve(array_header_size(n))) write_array_header(to, n);
    std::apply([&](const auto&... item) { (append_value(scratch, item, {}, depth + 1), ...); }, value);
  });
}

template <class T>
void append_value(Scratch& scratch, const T& value, std::string_view spec, int depth) {
  using Type = std::remove_cvref_t<T>;
  constexpr ArgumentKind kind = argument_kind_v<T>;
  static_assert(kind != ArgumentKind::kNone, "logbus can't log a value of this type");
  if constexpr (kind <= ArgumentKind::kDuration) {
    const auto prepared = prepare_plain(value);
    if (char* to = scratch.reserve(wire_size(prepared))) write(to, prepared, scratch);
  } else if constexpr (kind == ArgumentKind::kLongDouble || kind == ArgumentKind::kTm) {
    append_formatted(scratch, value, spec);
  } else if constexpr (kind == ArgumentKind::kInt128) {
    if constexpr (std::is_same_v<Type, Int128>) {
      append_formatted(scratch, static_cast<Int128>(value), spec);
    } else {
      append_formatted(scratch, static_cast<UInt128>(value), spec);
    }
  } else if constexpr (kind == ArgumentKind::kTextDuration) {
    using Rep = typename Type::rep;
    using Count = std::conditional_t<std::is_integral_v<Rep>, std::int64_t,
                                     std::conditional_t<std::is_same_v<Rep, float>, float, double>>;
    using Period = typename Type::period::type;
    append_duration(scratch, static_cast<Count>(value.count()), Period::num, Period::den, spec);
  } else if (depth >= kMaxNesting) {
    append_text(scratch, "<nested too deep>");
  } else if constexpr (kind == ArgumentKind::kUserValue) {
    append_value(scratch, adl::value_of(value), spec, depth + 1);
  } else if constexpr (kind == ArgumentKind::kOptional) {
    if (value.has_value()) {
      append_value(scratch, *value, spec, depth + 1);
    } else if (char* to = scratch.reserve(1)) {
      put_u8(to, 0xc0);
    }
  } else if constexpr (kind == ArgumentKind::kTuple) {
    append_tuple(scratch, value, depth);
  } else if constexpr (kind == ArgumentKind::kMap) {
    append_items(scratch, 0xdf, value, [&](const auto& item) {
      append_value(scratch, item.first, {}, depth + 1);
      append_value(scratch, item.second, {}, depth + 1);
    });
  } else if constexpr (kind == ArgumentKind::kSet) {
    append_ext(scratch, kExtSet, [&] { append_list(scratch, value, depth); });
  } else if constexpr (kind == ArgumentKind::kList) {
    append_list(scratch, value, depth);
  } else if constexpr (kind == ArgumentKind::kUserMsgpack) {
    ByMsgpack<Type>::append(scratch, value, spec);
  } else if constexpr (kind == ArgumentKind::kUserFmt) {
    ByFmt<Type>::append(scratch, value, spec);
  } else {
    static_assert(kind == ArgumentKind::kUserOstream);
    ByOstream<Type>::append(scratch, value, spec);
  }
}

[[gnu::cold]] inline PreparedBytes left_out() noexcept {
  return {kLeftOut, kExtHeaderSize + static_cast<std::uint32_t>(kLeftOutText.size())};
}

template <class T>
[[gnu::noinline]] PreparedBytes prepare_in_scratch(const T& value, std::string_view spec,
                                                   Scratch& scratch) noexcept {
  const std::uint32_t mark = scratch.size();
  const bool outer_failed = scratch.set_failed(false);  // this may run inside another argument's user code
#if defined(__cpp_exceptions)
  try {
    append_value(scratch, value, spec, 0);
  } catch (const std::exception& error) {
    scratch.rewind(mark);
    append_threw(scratch, error.what());
  } catch (...) {
    scratch.rewind(mark);
    append_threw(scratch, "an object that is no std::exception");
  }
#else
  append_value(scratch, value, spec, 0);
#endif
  const bool failed = scratch.set_failed(outer_failed);
  if (failed) scratch.rewind(mark);
  return failed ? left_out() : PreparedBytes{mark, scratch.size() - mark};
}

/// Makes `value` ready to be written: a scalar, a view (borrowed until the write), or bytes in `scratch`.
/// Runs user code, if any, here and once; what it throws becomes the text `<argument threw: what()>`.
/// `spec` is the replacement field's format spec without the colon; types that travel as ready text use it.
template <class T>
inline auto prepare(const T& value, std::string_view spec, Scratch& scratch) noexcept {
  static_assert(is_loggable_v<T>, "logbus can't log a value of this type");
  if constexpr (is_plain_v<T>) {
    (void)spec;
    (void)scratch;
    return prepare_plain(value);
  } else {
    return prepare_in_scratch(value, spec, scratch);
  }
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
