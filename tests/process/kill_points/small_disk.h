// SPDX-License-Identifier: MIT
// A disk that is full until somebody waits for room.
#pragma once

#include <stdexcept>
#include <string>

namespace logbus::kill_points {

/// It can't be had here.
struct NoDisk : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A small file system at a directory, which this process and its children see, until its end. While there is
/// one, nobody in these sleeps: nanosleep() gives a little of its room back instead.
class SmallDisk {
 public:
  /// Throws NoDisk.
  explicit SmallDisk(const std::string& directory);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
};

/// No file grows beyond the pages that it has.
void fill_disk();
/// No more file can be made.
void use_up_names();
/// What makes the disk full is called so.
inline constexpr const char* kFiller = ".filler";

}  // namespace logbus::kill_points
