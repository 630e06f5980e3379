// SPDX-License-Identifier: MIT
// A Value as fmt prints the C++ object that it came from.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

/// As "{}" prints it.
void append_fmt(const Value& value, std::string& out);
/// As "{:spec}" prints it; the spec holds no nested fields. Throws fmt::format_error.
void append_fmt(const Value& value, std::string_view spec, std::string& out);
}  // namespace logbus::record
