// SPDX-License-Identifier: MIT
// Foreign text on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace logbus::tools {

/// Appends `text` with every control character written out (\n, \t, \r, \x1b, also DEL and the C1 range), and
/// bytes that are not UTF-8 as \xNN: nothing in a record moves the cursor or changes a title.
void append_escaped(std::string_view text, std::string& out);
std::string escaped(std::string_view text);

/// The same as a value beside its key: in double quotes if it is empty or has spaces, quotes or '='.
void append_quoted_if_needed(std::string_view text, std::string& out);

}  // namespace logbus::tools
