// SPDX-License-Identifier: MIT
// Which file it is, whatever its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shm/journal_layout.h"

namespace logbus::consumer {

struct FileStatus {
  shm::FileId id{};
  std::uint64_t size = 0;
  bool regular = false;
};

/// Nothing: `errno` says why.
std::optional<FileStatus> status_of(int descriptor) noexcept;
/// Of what has the name, be it a symbolic link.
std::optional<FileStatus> status_of_name(const std::string& path) noexcept;

}  // namespace logbus::consumer
