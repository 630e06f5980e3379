// SPDX-License-Identifier: MIT
// The calling thread's lane: claimed on first use, closed when the thread ends, never inherited by a forked
// child.
#pragma once

#include <cstdint>
#include <string_view>

#include "producer/process.h"
#include "shm/lane_owner.h"

namespace logbus::producer {

/// In memory that a forked child finds zeroed: it has no lane there, whatever its parent had.
struct ThreadState {
  shm::LaneOwner owner;
  Membership* membership;     // joined as long as there is a lane
  std::uint64_t retry_at_ns;  // of a claim that failed
  bool close_after_record;    // the thread is past its end: keep nothing
};

/// Made on first use, null without memory. From then on the thread's end gives everything back.
ThreadState* thread_state() noexcept;

enum class [[nodiscard]] LaneResult{kOk, kNoBus, kNoLane};

/// Makes sure that the thread has a lane on the current bus. kNoLane: it is to be counted by the caller.
LaneResult need_lane(ThreadState& state, int levelno) noexcept;
/// Gives the lane back; the next record claims another.
void give_up_lane(ThreadState& state) noexcept;
/// After a record on the slow path: gives everything back if the thread has ended.
void after_record(ThreadState& state) noexcept;

/// The name that the thread's records carry: set_thread_name()'s, else the kernel's. Valid until the next
/// call.
std::string_view current_thread_name() noexcept;
void remember_thread_name(std::string_view name) noexcept;

}  // namespace logbus::producer
