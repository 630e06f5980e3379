// SPDX-License-Identifier: MIT
// Reading a specification of Python's format().
#pragma once

#include <string>
#include <string_view>

namespace logbus::record {

/// [[fill]align][sign][z][#][0][width][grouping][.precision][type]
struct FormatSpec {
  std::string fill = " ";
  char align = 0;
  char sign = 0;  // as given; 0: none
  bool coerce_zero = false;
  bool alternate = false;
  int width = -1;  // -1: none
  char thousands = 0;
  int precision = -1;  // -1: none
  char32_t type = 0;   // 0: none
};

/// `default_align` is '<' for text, '>' for numbers; `type_name` is for the error. Throws PythonError.
FormatSpec parse_format_spec(std::string_view text, char default_align, std::string_view type_name);

[[noreturn]] void throw_unknown_type(char32_t type, std::string_view type_name);

}  // namespace logbus::record
