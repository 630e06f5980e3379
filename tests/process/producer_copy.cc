// SPDX-License-Identifier: MIT
// A plugin with a copy of the library of its own inside.
#include <thread>

#include <logbus/logger.h>

extern "C" __attribute__((visibility("default"))) bool log_by_a_copy(const char* directory, int who,
                                                                     int count) {
  const bool attached = logbus::basic_config(
      {.bus = "unit", .directory = directory, .level = logbus::Level::kInfo, .force = true});
  std::thread([who, count] {
    for (int i = 0; i < count / 2; ++i) logbus::get_logger("copy").info("{} {}", who, i);
  }).join();
  for (int i = count / 2; i < count; ++i) logbus::get_logger("copy").info("{} {}", who, i);
  return attached;
}
