// SPDX-License-Identifier: MIT
// What the scenarios say to the kernel that the bus's sources call.
#pragma once

#include <cstdint>

namespace logbus::model {

/// The bus's clock.
void set_ticks(std::uint64_t (*ticks)());
/// Gives the memory of a lane's bytes back; 0: done.
void set_punch(void (*punch)(std::uint64_t file_offset, std::uint64_t size));
/// What CLOCK_MONOTONIC shows, in ns. Nothing but who is idle hangs on it.
inline std::uint64_t monotonic_ns = 1;

}  // namespace logbus::model
