// SPDX-License-Identifier: MIT
// What a bus is made with.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <logbus/detail/layout.h>

namespace logbus::shm {

/// Structural settings matter to the creator alone; run-time ones are the lease holder's, and the creator's
/// until one comes. INTERFACES: the `logbus:` key.
struct BusOptions {
  std::string bus = "default";  // [A-Za-z0-9_.-]{1,64}
  std::string directory;        // "": $LOGBUS_DIR, else /dev/shm
  mode_t mode = 0600;
  gid_t group = static_cast<gid_t>(-1);  // -1: the process's
  // Structural.
  std::uint32_t lanes = 1024;
  std::uint64_t lane_size = 4 << 20;  // power of two, 64 KiB to 1 GiB
  std::uint32_t sites = 65536;        // power of two
  // Run-time.
  std::uint64_t memory = 0;  // of all lanes; 0: min(64 MiB, half of the directory's free space)
  std::uint64_t max_per_process = 16 << 20;
  detail::Policy overflow = detail::Policy::kDrop;
  std::chrono::nanoseconds block_timeout = std::chrono::milliseconds(100);
  std::chrono::nanoseconds max_hold = std::chrono::milliseconds(50);
};

/// `directory` of the options, $LOGBUS_DIR, or /dev/shm.
std::string bus_directory(const BusOptions& options);
/// <directory>/<bus>.logbus; throws Error if the name is not a bus's.
std::string bus_path(const BusOptions& options);

}  // namespace logbus::shm
