// SPDX-License-Identifier: MIT
// Level names, asked for in a way that a forked child can rely on.
#include "producer/level_names.h"

#include <pthread.h>

#include <mutex>

#include <logbus/level.h>

namespace logbus::producer {
namespace {

// Never destroyed: records are logged from static destructors too.
std::mutex& guard() {
  static auto* mutex = [] {
    auto* made = new std::mutex;
    ::pthread_atfork([] { guard().lock(); }, [] { guard().unlock(); }, [] { guard().unlock(); });
    return made;
  }();
  return *mutex;
}

}  // namespace

std::string level_name(int levelno) {
  const std::lock_guard lock(guard());
  return get_level_name(Level{levelno});
}

}  // namespace logbus::producer
