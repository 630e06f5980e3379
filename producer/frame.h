// SPDX-License-Identifier: MIT
// One frame on the calling thread's lane, by the slow path.
#pragma once

#include <cstdint>
#include <string>

#include <logbus/detail/hot_thread.h>
#include <logbus/detail/layout.h>

#include "producer/thread_lane.h"

namespace logbus::producer {

/// Room for a payload in the thread's lane. kRecord: there is no bus now.
detail::Frame open_frame_as(ThreadState& state, int levelno, std::uint32_t payload,
                            std::uint32_t tag) noexcept;

enum class [[nodiscard]] Sent{kYes, kLost, kNoBus};
/// Writes a whole frame. kLost: counted.
Sent send_frame(int levelno, const std::string& payload, std::uint32_t tag) noexcept;

/// Writes new names for the records that follow, if there is room right now.
void send_names(ThreadState& state, const std::string& payload) noexcept;

}  // namespace logbus::producer
