// SPDX-License-Identifier: MIT
// What each argument of a logging call is: a value for a field of the format, an extra field, or the
// exception.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <logbus/arguments.h>
#include <logbus/detail/abi.h>
#include <logbus/detail/encode.h>
#include <logbus/detail/field_type.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

template <class T>
inline constexpr bool is_kv_v = false;
template <class T, class K>
inline constexpr bool is_kv_v<Kv<T, K>> = true;

template <class T>
inline constexpr bool is_lazy_v = false;
template <class F>
inline constexpr bool is_lazy_v<Lazy<F>> = true;

/// The type whose value travels: that of a kv, and what a lazy one makes.
template <class T>
struct ValueOf {
  using type = T;
};
template <class F>
struct ValueOf<Lazy<F>> {
  using type = std::remove_cvref_t<decltype(std::declval<const F&>()())>;
};
template <class T, class K>
struct ValueOf<Kv<T, K>> : ValueOf<T> {};
template <class T>
using value_of_t = typename ValueOf<std::remove_cvref_t<T>>::type;

template <class T>
inline constexpr bool is_exc_info_v = std::is_same_v<T, ExcInfo>;
template <class T>
inline constexpr bool is_positional_v = !is_kv_v<T> && !is_exc_info_v<T>;

template <class T>
consteval bool is_argument() noexcept {
  if constexpr (is_exc_info_v<T>) {
    return true;
  } else {
    return is_loggable_v<value_of_t<T>>;
  }
}

/// Whether the wire size is known from the type: such a call is small enough to be inlined.
template <class T>
inline constexpr bool is_fixed_argument_v = is_fixed_size_v<T>;
template <class T>
inline constexpr bool is_fixed_argument_v<Kv<T, Key>> = is_fixed_size_v<T>;
template <class F>
inline constexpr bool is_fixed_argument_v<Lazy<F>> = false;
template <>
inline constexpr bool is_fixed_argument_v<ExcInfo> = false;

/// Whether it is prepared without the scratch buffer.
template <class T>
inline constexpr bool is_plain_argument_v = is_plain_v<T>;
template <class T, class K>
inline constexpr bool is_plain_argument_v<Kv<T, K>> = is_plain_v<T>;

template <bool Positional, class... A>
consteval auto field_types() noexcept {
  constexpr std::size_t n = (std::size_t{0} + ... + (Positional ? is_positional_v<A> : is_kv_v<A>));
  std::array<FieldType, n == 0 ? 1 : n> types{};
  std::size_t i = 0;
  const auto add = [&]<class T>(std::type_identity<T>) {
    if constexpr (Positional ? is_positional_v<T> : is_kv_v<T>) types[i++] = field_type<value_of_t<T>>();
  };
  (add(std::type_identity<A>{}), ...);
  (void)add;
  (void)i;
  return std::pair{types, n};
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
