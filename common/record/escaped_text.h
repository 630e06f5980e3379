// SPDX-License-Identifier: MIT
// Control characters as visible text, so that what a record brings can't pass for a line of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace logbus::record {

/// Escapes in out[begin, end): C0, DEL, C1, U+2028, U+2029 and bytes that are no UTF-8.
void escape_controls(std::string& out, std::size_t begin);

/// Appends `text` line by line, each four spaces in. Line feeds and tabs stay, the rest is escaped as above.
void append_indented_lines(std::string_view text, std::string& out);

}  // namespace logbus::record
