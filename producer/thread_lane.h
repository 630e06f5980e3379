// SPDX-License-Identifier: MIT
// The calling thread's lane: claimed on first use, closed when the thread ends, never inherited by a forked
// child.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "producer/process.h"
#include "shm/lane_owner.h"

namespace logbus::producer {

/// In memory that a forked child finds zeroed: it has no lane there, whatever its parent had.
struct ThreadState {
  shm::LaneOwner owner;
  Membership* membership;                                // joined as long as there is a lane
  std::uint64_t retry_at_ns;                             // of a claim that failed
  bool close_after_record;                               // the thread is past its end: keep nothing
  bool changing;                                         // its lane is being looked for, taken or given up
  std::atomic<std::uint32_t> lost[detail::kSeverities];  // meanwhile, of signal handlers; not yet counted
};

/// Made on first use, null without memory. From then on the thread's end gives everything back.
ThreadState* thread_state() noexcept;

/// kLost: there is no lane for the record; it has been counted. kNested: the same, and this is a signal
/// handler over a call that has the lane, or is changing it: to be left as it is.
enum class [[nodiscard]] LaneResult{kOk, kNoBus, kLost, kNested};

/// Makes sure that the thread has a lane on the current bus. kOk: its writer is entered, so that no signal
/// handler gives the lane up.
LaneResult need_lane(ThreadState& state, int levelno) noexcept;
/// Enters the writer of the lane that there is. False: there is none, or as above.
bool enter_lane(ThreadState& state) noexcept;
/// Gives the lane back, entered or not; the next record claims another.
void give_up_lane(ThreadState& state) noexcept;
/// After a record on the slow path: gives everything back if the thread has ended.
void after_record(ThreadState& state) noexcept;

/// The name that the thread's records carry: set_thread_name()'s, else the kernel's. Valid until the next
/// call.
std::string_view current_thread_name() noexcept;
void remember_thread_name(std::string_view name) noexcept;

}  // namespace logbus::producer
