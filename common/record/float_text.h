// SPDX-License-Identifier: MIT
// Floats as Python writes them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace logbus::record {

/// repr(): the shortest text that reads back the same, with an exponent below 1e-4 and from 1e16.
void append_float_repr(double value, std::string& out);
/// The same for a value that was a C++ float: shortest as a float (0.1f gives 0.1).
void append_float_repr(float value, std::string& out);

/// PyOS_double_to_string for `type` e E f F g G (precision >= 0; `alternate` keeps the point and g's zeros).
/// nan and inf come in the type's case.
void append_float(double value, char type, int precision, bool alternate, std::string& out);

/// The exact decimal digits of a float's integral part, with its sign; throws Python's error for nan and inf.
std::string integral_part_text(double value);

/// Writes `value` as fmt's "{}" prints it, the shortest text that reads back as the same; gives its end. At
/// most kLongestShortest bytes.
inline constexpr std::size_t kLongestShortest = 32;
char* write_shortest(double value, char* to);

}  // namespace logbus::record
