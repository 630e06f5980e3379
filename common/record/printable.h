// SPDX-License-Identifier: MIT
// Which code points repr() shows as they are.
#pragma once

namespace logbus::record {

/// str.isprintable() of one code point.
bool is_printable(char32_t code_point) noexcept;

}  // namespace logbus::record
