// SPDX-License-Identifier: MIT
// The library's own lines on stderr.
#pragma once

#include <string_view>

namespace logbus::producer {

/// Writes "logbus: <what>\n" to stderr in one call if that doesn't block; otherwise the line is lost. At most
/// 1 KiB. Async-signal-safe; keeps errno.
void complain(std::string_view what) noexcept;

}  // namespace logbus::producer
