// SPDX-License-Identifier: MIT
// A text as its lines.
#pragma once

#include <string>

#include <logbus/value.h>

namespace logbus::formatters {

/// Python's str.splitlines(): ends at CR, LF, both, and at the separators beyond them; an empty last line is
/// none.
List lines_of(const std::string& text);

}  // namespace logbus::formatters
