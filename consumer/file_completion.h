// SPDX-License-Identifier: MIT
// Which lines of a batch a file still lacks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace logbus::consumer {

struct Missing {
  std::string bytes;   // to be appended
  bool mixed = false;  // others have appended too
};

/// `lines` were to be appended where `tail` begins. If nobody else has appended, `tail` is a beginning of
/// `lines`, cut anywhere. Else the lines are looked for among those of the tail, in their order; what is left
/// begins on a line of its own.
Missing missing_lines(std::string_view lines, std::string_view tail);

}  // namespace logbus::consumer
