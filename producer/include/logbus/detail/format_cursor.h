// SPDX-License-Identifier: MIT
// A position in a format.
#pragma once

#include <cstddef>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// A position in a format. at() is 0 at the end, so that no caller looks beyond it.
struct FormatCursor {
  std::string_view text;
  std::size_t position = 0;

  constexpr bool at_end() const noexcept { return position >= text.size(); }
  constexpr char at(std::size_t ahead = 0) const noexcept {
    return position + ahead < text.size() ? text[position + ahead] : '\0';
  }
  constexpr bool take(char c) noexcept {
    if (at_end() || at() != c) return false;
    ++position;
    return true;
  }
  /// Digits as a number that fits an int, else false.
  constexpr bool take_number(int& value) noexcept {
    long long n = 0;
    while (is_digit(at())) {
      n = n * 10 + (at() - '0');
      if (n > 2147483647) return false;
      ++position;
    }
    value = static_cast<int>(n);
    return true;
  }
  constexpr std::string_view take_name() noexcept {
    const std::size_t begin = position;
    while (is_name_start(at()) || is_digit(at())) ++position;
    return text.substr(begin, position - begin);
  }
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
