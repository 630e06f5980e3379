// SPDX-License-Identifier: MIT
// The errors that pass when somebody makes room.
#pragma once

#include <cerrno>

namespace logbus::record {

[[nodiscard]] inline bool is_disk_full(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:   // RLIMIT_FSIZE
    case EMFILE:  // no descriptor for a new file
    case ENFILE:
      return true;
    default:
      return false;
  }
}

}  // namespace logbus::record
