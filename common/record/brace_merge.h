// SPDX-License-Identifier: MIT
// A message in fmt's style and its arguments become text.
#pragma once

#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::record {

/// Appends what fmt::format would have made of the arguments that the call had. `{name}` is the extra field
/// of that name. Throws fmt::format_error if format and arguments don't fit; `out` may then hold a part.
/// Allocates nothing for scalars once `out` has grown.
void append_brace(std::string_view format, const List& args, const Fields& extra, std::string& out);

/// The same for a format nobody checked: a bad one prints itself and the arguments.
void append_runtime_brace(std::string_view format, const List& args, const Fields& extra, std::string& out);

}  // namespace logbus::record
