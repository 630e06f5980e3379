// SPDX-License-Identifier: MIT
// Strings of unknown encoding become UTF-8, byte by byte where they are not.
#pragma once

#include <string>
#include <string_view>

namespace logbus::wire {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// `text` into `out`, each byte that belongs to no valid sequence as `\xNN`. Source: Python's
/// backslashreplace.
void escape_invalid_utf8(std::string_view text, std::string& out);

}  // namespace logbus::wire
