// SPDX-License-Identifier: MIT
// Python's format(value, spec) for the types that a record's fields have.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

/// Appends format(value, spec). Widths and precisions count code points. Throws PythonError.
/// Source: CPython's formatter_unicode.c.
void append_formatted(const Value& value, std::string_view spec, std::string& out);

}  // namespace logbus::record
