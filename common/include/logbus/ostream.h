// SPDX-License-Identifier: MIT
// Include this to log types that have an operator<<. Their text is made at the call; the field's spec aligns
// it.
#pragma once

#include <locale>
#include <ostream>
#include <sstream>
#include <string_view>
#include <type_traits>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Smart pointers print an address and lambdas a bool: both are mistakes in a logging call.
template <class T>
inline constexpr bool prints_as_something_else_v = std::is_convertible_v<const T&, bool> ||
                                                   requires(const T& value) {
  typename T::element_type;
  value.get();
  value.operator->();
};

template <class T>
requires(!std::is_enum_v<T> || !std::is_convertible_v<T, int>) &&
    (!prints_as_something_else_v<T>)&&requires(std::ostream& out, const T& value) {
  out << value;
}
struct ByOstream<T> : std::true_type {
  static void append(Scratch& scratch, const T& value, std::string_view spec) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << value;
    append_formatted(scratch, out.view(), spec);
  }
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
