// SPDX-License-Identifier: MIT
// One conversion of Python's % operator: what stands from a '%' to its letter.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

/// One conversion, from behind its '%' to its letter.
struct PercentConversion {
  static constexpr int kAbsent = -1;
  static constexpr int kStar = -2;  // taken from the arguments

  bool has_key = false;
  std::string_view key;
  bool left = false;
  bool sign = false;
  bool blank = false;
  bool alternate = false;
  bool zero = false;
  int width = kAbsent;
  int precision = kAbsent;
  char32_t letter = 0;
  std::size_t letter_index = 0;  // in code points from the format's begin, for the error's text
  bool is_percent_sign = false;  // "%%"; '%' behind anything else is no conversion
  const char* error = nullptr;   // what is wrong, before any argument is looked at

  /// %s and nothing else about it.
  bool is_plain() const noexcept {
    return !left && !sign && !blank && !alternate && !zero && width == kAbsent && precision == kAbsent;
  }
};

/// Reads the conversion behind the '%' at `format[at - 1]` and moves `at` behind it.
PercentConversion parse_conversion(std::string_view format, std::size_t& at);

/// Appends `value` as the conversion says (its width and precision are numbers, it is no percent sign).
/// Throws PythonError.
void append_converted(const PercentConversion& conversion, const Value& value, std::string& out);

/// Cuts what was appended behind `begin` to `precision` code points and pads it to `width`.
void fit_text(std::string& out, std::size_t begin, const PercentConversion& conversion);

}  // namespace logbus::record
