// SPDX-License-Identifier: MIT
// Level names, asked for in a way that signal handlers and forked children can rely on.
#pragma once

#include <cstddef>
#include <string_view>

namespace logbus::producer {

/// get_level_name() of a number, at most 63 bytes of it. Asked for under a lock that is held over fork(), so
/// that a child never finds the table's own lock taken by a thread that it doesn't have; in a signal handler
/// over that very lock it is the name that the level has in Python.
class LevelName {
 public:
  explicit LevelName(int levelno) noexcept;
  std::string_view text() const noexcept { return {text_, size_}; }

 private:
  void set(std::string_view text) noexcept;

  char text_[64];
  std::size_t size_ = 0;
};

}  // namespace logbus::producer
