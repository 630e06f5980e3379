// SPDX-License-Identifier: MIT
// What a format's field needs to know of its argument's type.
#pragma once

#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_kind.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Groups of types whose specs follow the same grammar.
enum class FieldKind : std::uint8_t {
  kBool,
  kSigned,
  kUnsigned,
  kChar,
  kFloat,
  kString,
  kPointer,
  kTime,
  kDuration,       // of integers
  kFloatDuration,  // may have a precision
  kTuple,          // takes no spec
  kAny,            // a user's formatter: its spec is its own
};

struct FieldType {
  FieldKind kind = FieldKind::kAny;
  std::uint8_t lists = 0;    // how many ranges around `kind`
  bool optional = false;     // may be None: no width for another field
  bool worker_text = false;  // becomes text in the worker, with the field's own spec
};

template <class T>
consteval FieldType field_type() noexcept;

template <class T>
consteval FieldType list_of() noexcept {
  FieldType type = field_type<T>();
  ++type.lists;
  return type;
}

template <class T>
inline constexpr FieldKind duration_kind_v = FieldKind::kAny;
template <class R, class P>
inline constexpr FieldKind duration_kind_v<std::chrono::duration<R, P>> =
    std::is_floating_point_v<R> ? FieldKind::kFloatDuration : FieldKind::kDuration;

template <class T>
consteval FieldType integer_type() noexcept {
  if constexpr (std::is_enum_v<T>) {
    return integer_type<std::underlying_type_t<T>>();
  } else {
    // Not is_signed: that is false for __int128 without GNU extensions.
    return {T(-1) < T(0) ? FieldKind::kSigned : FieldKind::kUnsigned};
  }
}

template <class Raw>
consteval FieldType field_type() noexcept {
  using T = std::remove_cvref_t<Raw>;
  constexpr ArgumentKind kind = argument_kind_v<T>;
  if constexpr (kind == ArgumentKind::kBool) {
    return {FieldKind::kBool};
  } else if constexpr (kind == ArgumentKind::kInt32 || kind == ArgumentKind::kUint32 ||
                       kind == ArgumentKind::kInt64 || kind == ArgumentKind::kUint64) {
    return integer_type<T>();
  } else if constexpr (kind == ArgumentKind::kInt128) {
    FieldType type = integer_type<T>();
    type.worker_text = true;
    return type;
  } else if constexpr (kind == ArgumentKind::kChar) {
    return {FieldKind::kChar};
  } else if constexpr (kind == ArgumentKind::kFloat || kind == ArgumentKind::kDouble ||
                       kind == ArgumentKind::kLongDouble) {
    return {FieldKind::kFloat, 0, false, kind == ArgumentKind::kLongDouble};
  } else if constexpr (kind == ArgumentKind::kString) {
    return {FieldKind::kString};
  } else if constexpr (kind == ArgumentKind::kPointer) {
    return {FieldKind::kPointer};
  } else if constexpr (kind == ArgumentKind::kTimePoint || kind == ArgumentKind::kTm) {
    return {FieldKind::kTime, 0, false, kind == ArgumentKind::kTm};
  } else if constexpr (kind == ArgumentKind::kDuration || kind == ArgumentKind::kTextDuration) {
    return {duration_kind_v<T>, 0, false, kind == ArgumentKind::kTextDuration};
  } else if constexpr (kind == ArgumentKind::kUserValue) {
    return field_type<decltype(adl::value_of(std::declval<const T&>()))>();
  } else if constexpr (kind == ArgumentKind::kOptional) {
    FieldType type = field_type<typename T::value_type>();
    type.optional = true;
    return type;
  } else if constexpr (kind == ArgumentKind::kTuple) {
    return {FieldKind::kTuple};
  } else if constexpr (kind == ArgumentKind::kMap) {
    return {FieldKind::kTuple, 1};  // fmt sees a range of pairs
  } else if constexpr (kind == ArgumentKind::kSet || kind == ArgumentKind::kList) {
    return list_of<RangeItem<T>>();
  } else {
    return {FieldKind::kAny, 0, false, kind != ArgumentKind::kUserMsgpack};
  }
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
