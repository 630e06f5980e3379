// SPDX-License-Identifier: MIT
// The errors that pass when somebody makes room.
#pragma once

#include <cerrno>

namespace logbus::record {

[[nodiscard]] inline bool is_disk_full(int error) noexcept {
  return error == ENOSPC || error == EDQUOT;
}

}  // namespace logbus::record
