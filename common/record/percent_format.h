// SPDX-License-Identifier: MIT
// Python's % operator on strings, over Values: unicode_format of CPython's unicodeobject.c.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

/// `format % args`: a List or Tuple is positional, a Dict a mapping, anything else the only argument.
/// Differs from Python: widths and the message's length are limited (merge_limits.h).
void append_percent(std::string_view format, const Value& args, std::string& out);

}  // namespace logbus::record
