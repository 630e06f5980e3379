// SPDX-License-Identifier: MIT
// What a value that doesn't fit its conversion raises: the last line of Python's traceback.
#pragma once

#include <stdexcept>
#include <string>

namespace logbus::record {

/// what() is "TypeError: not enough arguments for format string" and the like.
class PythonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void throw_type_error(const std::string& text) {
  throw PythonError("TypeError: " + text);
}
[[noreturn]] inline void throw_value_error(const std::string& text) {
  throw PythonError("ValueError: " + text);
}
[[noreturn]] inline void throw_overflow_error(const std::string& text) {
  throw PythonError("OverflowError: " + text);
}

}  // namespace logbus::record
