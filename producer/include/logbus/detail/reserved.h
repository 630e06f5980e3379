// SPDX-License-Identifier: MIT
// Names that an extra field may not have.
#pragma once

#include <string_view>
#include <type_traits>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// is_log_record_attribute(), at compile time.
constexpr bool is_reserved(std::string_view name) noexcept {
  constexpr std::string_view kNames[] = {
      "name",        "msg",     "args",     "levelname",       "levelno",    "pathname",
      "filename",    "module",  "exc_info", "exc_text",        "stack_info", "lineno",
      "funcName",    "created", "msecs",    "relativeCreated", "thread",     "threadName",
      "processName", "process", "taskName", "message",         "asctime"};
  for (const std::string_view reserved : kNames) {
    if (name == reserved) return true;
  }
  return false;
}

// Not constexpr and nowhere defined: see format_error.h.
void a_field_needs_a_name();
void a_field_may_not_use_the_name_of_a_log_record_attribute();

/// How a string literal is deduced as T&&: an array of const char.
template <class T>
inline constexpr bool is_literal_v = std::is_array_v<std::remove_reference_t<T>>&&
    std::is_const_v<std::remove_extent_t<std::remove_reference_t<T>>>;

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
