// SPDX-License-Identifier: MIT
// Which row of the argument table (FORMAT.md) a C++ type belongs to.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_scratch.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

/// The rows. `kNone`: not loggable, a compile error at the call.
enum class ArgumentKind : std::uint8_t {
  kNone,
  kBool,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kChar,
  kFloat,
  kDouble,
  kPointer,
  kString,
  kTimePoint,
  kDuration,
  kLongDouble,  // from here on made in the scratch buffer
  kInt128,
  kTm,
  kTextDuration,  // a ratio, or a count of floats, that the sidecar's types don't have
  kUserValue,     // logbus_value(t)
  kOptional,
  kTuple,
  kMap,
  kSet,
  kList,
  kUserMsgpack,  // <logbus/msgpack.h>
  kUserFmt,      // <logbus/fmt.h>
  kUserOstream,  // <logbus/ostream.h>
};

/// Opened by <logbus/msgpack.h>, <logbus/fmt.h> and <logbus/ostream.h>, each by a constrained specialisation
/// that has `static void append(Scratch&, const T&, std::string_view spec)`, which appends one msgpack value.
template <class T>
struct ByMsgpack : std::false_type {};
template <class T>
struct ByFmt : std::false_type {};
template <class T>
struct ByOstream : std::false_type {};

namespace adl {
void logbus_value() = delete;  // makes the unqualified call below look up by argument
template <class T>
concept HasValue = (std::is_class_v<T> || std::is_union_v<T> || std::is_enum_v<T>)&&requires(const T& value) {
  logbus_value(value);
};
template <class T>
decltype(auto) value_of(const T& value) {
  return logbus_value(value);
}
}  // namespace adl

template <class T, template <class...> class Template>
inline constexpr bool is_a_v = false;
template <template <class...> class Template, class... A>
inline constexpr bool is_a_v<Template<A...>, Template> = true;

template <class T>
inline constexpr bool is_std_string_v = false;
template <class A>
inline constexpr bool is_std_string_v<std::basic_string<char, std::char_traits<char>, A>> = true;

/// std::filesystem::path, without its header.
template <class T>
concept PathLike = requires(const T& path) {
  { path.native() } -> std::same_as<const std::string&>;
  { T::preferred_separator } -> std::convertible_to<char>;
  path.lexically_normal();
};

template <class T>
inline constexpr bool is_char_array_v = false;
template <std::size_t N>
inline constexpr bool is_char_array_v<char[N]> = true;
template <std::size_t N>
inline constexpr bool is_char_array_v<const char[N]> = true;

template <class T>
inline constexpr bool is_string_like_v =
    is_std_string_v<T> || std::is_same_v<T, std::string_view> || std::is_same_v<T, char*> ||
    std::is_same_v<T, const char*> || is_char_array_v<T> || PathLike<T>;

template <class T>
inline constexpr bool is_system_time_v = false;
template <class D>
inline constexpr bool is_system_time_v<std::chrono::time_point<std::chrono::system_clock, D>> = true;

template <class T>
inline constexpr bool is_duration_v = false;
template <class R, class P>
inline constexpr bool is_duration_v<std::chrono::duration<R, P>> = std::is_arithmetic_v<R>;

template <class R, class P>
constexpr bool is_plain_duration(const std::chrono::duration<R, P>*) noexcept {
  const bool count = std::is_integral_v<R> ? sizeof(R) <= 8 : std::is_same_v<R, double>;
  const auto n = P::type::num;
  const auto d = P::type::den;
  const bool unit = (n == 1 && (d == 1 || d == 1000 || d == 1000000 || d == 1000000000)) ||
                    (d == 1 && (n == 60 || n == 3600));
  return count && unit;
}

template <class T>
concept ConstRange = requires(const T& range) {
  { std::begin(range) == std::end(range) } -> std::convertible_to<bool>;
  *std::begin(range);
};
template <ConstRange T>
using RangeItem = std::iter_value_t<decltype(std::begin(std::declval<const T&>()))>;

template <class T>
consteval ArgumentKind kind_of() noexcept;

/// `T` without references and cv; an array stays an array.
template <class T>
inline constexpr ArgumentKind argument_kind_v = kind_of<std::remove_cvref_t<T>>();
/// Is `T` a type that a call may log?
template <class T>
inline constexpr bool is_loggable_v = argument_kind_v<T> != ArgumentKind::kNone;
/// True if the wire size doesn't depend on the value and preparing runs no user code.
template <class T>
inline constexpr bool is_fixed_size_v =
    is_loggable_v<T>&& argument_kind_v<T> <= ArgumentKind::kDuration&& argument_kind_v<T> !=
    ArgumentKind::kString;
/// True if preparing allocates nothing and runs no user code: what a signal handler may log.
template <class T>
inline constexpr bool is_plain_v = is_loggable_v<T>&& argument_kind_v<T> <= ArgumentKind::kDuration;

template <class T>
inline constexpr bool is_loggable_tuple_v = false;
template <class... A>
inline constexpr bool is_loggable_tuple_v<std::tuple<A...>> = (is_loggable_v<A> && ...);
template <class A, class B>
inline constexpr bool is_loggable_tuple_v<std::pair<A, B>> = is_loggable_v<A>&& is_loggable_v<B>;

template <class T>
consteval ArgumentKind range_kind() noexcept {
  using Item = RangeItem<T>;
  if constexpr (std::is_same_v<Item, T>) {
    return ArgumentKind::kNone;  // a type that iterates over itself has no end
  } else if constexpr (requires {
                         typename T::mapped_type;
                         typename T::key_type;
                       }) {
    constexpr bool items = is_loggable_v<typename T::key_type> && is_loggable_v<typename T::mapped_type>;
    return items ? ArgumentKind::kMap : ArgumentKind::kNone;
  } else if constexpr (!is_loggable_v<Item>) {
    return ArgumentKind::kNone;
  } else if constexpr (requires { typename T::key_type; }) {
    return ArgumentKind::kSet;
  } else {
    return ArgumentKind::kList;
  }
}

template <class T>
consteval ArgumentKind user_kind() noexcept {
  if constexpr (ByMsgpack<T>::value) {
    return ArgumentKind::kUserMsgpack;
  } else if constexpr (ByFmt<T>::value) {
    return ArgumentKind::kUserFmt;
  } else if constexpr (ByOstream<T>::value) {
    return ArgumentKind::kUserOstream;
  } else {
    return ArgumentKind::kNone;
  }
}

template <class T>
consteval ArgumentKind arithmetic_kind() noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return ArgumentKind::kBool;
  } else if constexpr (std::is_same_v<T, char>) {
    return ArgumentKind::kChar;
  } else if constexpr (std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
                       std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>) {
    return ArgumentKind::kNone;
  } else if constexpr (std::is_same_v<T, float>) {
    return ArgumentKind::kFloat;
  } else if constexpr (std::is_same_v<T, double>) {
    return ArgumentKind::kDouble;
  } else if constexpr (std::is_same_v<T, long double>) {
    return ArgumentKind::kLongDouble;
  } else if constexpr (std::is_same_v<T, Int128> || std::is_same_v<T, UInt128>) {
    return ArgumentKind::kInt128;
  } else if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
    return std::is_signed_v<T> ? ArgumentKind::kInt32 : ArgumentKind::kUint32;
  } else if constexpr (std::is_integral_v<T>) {
    return std::is_signed_v<T> ? ArgumentKind::kInt64 : ArgumentKind::kUint64;
  } else {
    return ArgumentKind::kNone;
  }
}

template <class T>
consteval ArgumentKind kind_of() noexcept {
  if constexpr (adl::HasValue<T>) {
    return ArgumentKind::kUserValue;  // what it returns is checked where it is encoded: types may be
                                      // recursive
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Int128> || std::is_same_v<T, UInt128>) {
    return arithmetic_kind<T>();
  } else if constexpr (std::is_enum_v<T>) {
    // An enum with a formatter or an operator<< of its own was made printable on purpose.
    constexpr ArgumentKind user = user_kind<T>();
    return user != ArgumentKind::kNone ? user : arithmetic_kind<std::underlying_type_t<T>>();
  } else if constexpr (is_string_like_v<T>) {
    return ArgumentKind::kString;
  } else if constexpr (std::is_pointer_v<T>) {
    return std::is_void_v<std::remove_pointer_t<T>> ? ArgumentKind::kPointer : ArgumentKind::kNone;
  } else if constexpr (std::is_null_pointer_v<T>) {
    return ArgumentKind::kPointer;
  } else if constexpr (is_system_time_v<T>) {
    return ArgumentKind::kTimePoint;
  } else if constexpr (is_duration_v<T>) {
    return is_plain_duration(static_cast<const T*>(nullptr)) ? ArgumentKind::kDuration
                                                             : ArgumentKind::kTextDuration;
  } else if constexpr (std::is_same_v<T, std::tm>) {
    return ArgumentKind::kTm;
  } else if constexpr (is_a_v<T, std::optional>) {
    return is_loggable_v<typename T::value_type> ? ArgumentKind::kOptional : ArgumentKind::kNone;
  } else if constexpr (is_a_v<T, std::pair> || is_a_v<T, std::tuple>) {
    return is_loggable_tuple_v<T> ? ArgumentKind::kTuple : ArgumentKind::kNone;
  } else if constexpr (ByMsgpack<T>::value) {
    return ArgumentKind::kUserMsgpack;
  } else if constexpr (ConstRange<T>) {
    constexpr ArgumentKind range = range_kind<T>();
    return range != ArgumentKind::kNone ? range : user_kind<T>();
  } else {
    return user_kind<T>();
  }
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
