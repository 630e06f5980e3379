// SPDX-License-Identifier: MIT
// Who this process is: for people who read the bus, never as proof of life.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace logbus::base {

struct ProcessIdentity {
  pid_t pid = 0;
  uid_t uid = 0;
  std::uint64_t start_time = 0;     // clock ticks since boot; 0 if /proc is not there
  std::uint64_t pid_namespace = 0;  // inode; 0 if /proc is not there
  std::string executable;           // path
};

/// Of the calling process. Never throws; what can't be read is 0 or "".
ProcessIdentity process_identity();

/// /proc/sys/kernel/random/boot_id, "" if it can't be read.
std::string boot_id();

/// The calling thread's kernel id and name (pthread_getname_np).
std::uint32_t thread_id() noexcept;
std::string thread_name();

}  // namespace logbus::base
