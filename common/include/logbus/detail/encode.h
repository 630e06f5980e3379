// SPDX-License-Identifier: MIT
// Call-site arguments as msgpack: prepared first (user code, one strlen), sized, then written in place.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_bytes.h>
#include <logbus/detail/encode_kind.h>
#include <logbus/detail/encode_prepared.h>
#include <logbus/detail/encode_scratch.h>
#include <logbus/detail/encode_text.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Containers may nest this deep at run time (recursive user types); what is deeper becomes a text.
inline constexpr int kMaxNesting = 16;

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

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
