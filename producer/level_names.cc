// SPDX-License-Identifier: MIT
// Level names, asked for in a way that signal handlers and forked children can rely on.
#include "producer/level_names.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <type_traits>

#include <logbus/level.h>

namespace logbus::producer {
namespace {

/// Held for a look into a small map: whoever finds it taken so often is over its holder.
constexpr int kTries = 1000;

// Never destroyed, since its destructor is trivial: records are logged from static destructors too.
std::mutex& guard() noexcept {
  static_assert(std::is_trivially_destructible_v<std::mutex>);
  static constinit std::mutex mutex;
  static const bool registered =
      ::pthread_atfork([] { guard().lock(); }, [] { guard().unlock(); }, [] { guard().unlock(); }) == 0;
  static_cast<void>(registered);
  return mutex;
}

std::string_view standard_name(int levelno) noexcept {
  switch (levelno) {
    case 0:
      return "NOTSET";
    case 10:
      return "DEBUG";
    case 20:
      return "INFO";
    case 30:
      return "WARNING";
    case 40:
      return "ERROR";
    case 50:
      return "CRITICAL";
    default:
      return {};
  }
}

}  // namespace

LevelName::LevelName(int levelno) noexcept {
  for (int i = 0; i < kTries; ++i) {
    if (const std::unique_lock lock(guard(), std::try_to_lock); lock) {
      try {
        set(get_level_name(Level{levelno}));
        return;
      } catch (...) {
        break;  // no memory
      }
    }
    ::sched_yield();
  }
  set(standard_name(levelno));
  if (size_ != 0) return;
  set("Level ");
  size_ = static_cast<std::size_t>(std::to_chars(text_ + size_, text_ + sizeof text_, levelno).ptr - text_);
}

void LevelName::set(std::string_view text) noexcept {
  size_ = std::min(text.size(), sizeof text_ - 1);
  std::copy_n(text.data(), size_, text_);  // of nothing too
}

}  // namespace logbus::producer
