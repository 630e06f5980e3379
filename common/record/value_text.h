// SPDX-License-Identifier: MIT
// A Value as Python prints it: str(), repr(), ascii(), and what it counts as.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

void append_str(const Value& value, std::string& out);
void append_repr(const Value& value, std::string& out);
/// repr() with everything beyond ASCII escaped.
void append_ascii(const Value& value, std::string& out);

/// repr() of a string: Python's choice of quotes, escapes for what is not printable.
void append_string_repr(std::string_view text, std::string& out, bool ascii_only = false);

/// A positional list prints as the tuple it was in Python.
void append_tuple_repr(const List& items, std::string& out);

/// What Python calls the value's type: "int", "NoneType".
std::string_view python_type_name(const Value& value) noexcept;
/// bool(value).
bool is_truthy(const Value& value) noexcept;

}  // namespace logbus::record
