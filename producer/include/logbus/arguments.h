// SPDX-License-Identifier: MIT
// What a logging call takes beside plain values: extra fields, lazy arguments, the current exception,
// addresses, and messages that are not literals.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/reserved.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// An extra field's name: a literal, checked at compile time.
class Key {
 public:
  template <std::size_t N>
  consteval Key(const char (&literal)[N]) : text_(literal, N - 1) {  // NOLINT: implicit, a literal is a key
    if (text_.empty()) detail::a_field_needs_a_name();
    if (detail::is_reserved(text_)) detail::a_field_may_not_use_the_name_of_a_log_record_attribute();
  }
  constexpr std::string_view text() const noexcept { return text_; }
  static constexpr bool escaped() noexcept { return false; }

 private:
  std::string_view text_;
};

/// An extra field's name made at run time, borrowed for the call: one that a LogRecord has gets a leading
/// `_`.
class RuntimeKey {
 public:
  explicit RuntimeKey(std::string_view text) noexcept
      : text_(text.empty() ? std::string_view("_") : text), escaped_(detail::is_reserved(text)) {}
  std::string_view text() const noexcept { return text_; }
  bool escaped() const noexcept { return escaped_; }

 private:
  std::string_view text_;
  bool escaped_;
};

/// An extra field. Borrows both: made inside the call that takes it.
template <class T, class K = Key>
struct Kv {
  K key;
  const T& value;
};

/// An extra field of the record, at any position among the arguments. `{key}` in the format shows it there.
template <class T>
constexpr Kv<T> kv(Key key, const T& value) noexcept {
  return {key, value};
}
template <class K, class T>
requires(std::is_convertible_v<const K&, std::string_view> &&
         !detail::is_literal_v<K>) Kv<T, RuntimeKey> kv(K&& key, const T& value)
noexcept {
  return {RuntimeKey(key), value};
}

/// An argument that is made only if the record is: `f()` runs inside the call, once.
template <class F>
struct Lazy {
  F make;
};
template <class F>
constexpr Lazy<F> lazy(F f) noexcept(std::is_nothrow_move_constructible_v<F>) {
  return {std::move(f)};
}

/// As an argument: the exception being handled becomes the record's exc_text. Outside a catch: nothing.
struct ExcInfo {};
inline constexpr ExcInfo exc_info{};

/// Any pointer as an address.
inline const void* ptr(const volatile void* address) noexcept {
  return const_cast<const void*>(address);
}

/// A message that is not a literal; see runtime() and verbatim().
struct RuntimeFormat {
  std::string_view text;
  MessageStyle style;
};
/// A format that is only known at run time, borrowed for the call. One that doesn't fit is shown with its
/// arguments.
constexpr RuntimeFormat runtime(std::string_view format) noexcept {
  return {format, MessageStyle::kRuntimeBrace};
}
/// A message that is text: braces in it mean nothing.
constexpr RuntimeFormat verbatim(std::string_view text) noexcept {
  return {text, MessageStyle::kVerbatim};
}

}  // namespace abi1
}  // namespace logbus
