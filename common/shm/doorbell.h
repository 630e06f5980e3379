// SPDX-License-Identifier: MIT
// How a worker wakes the reader, and a reader wakes workers that wait for room.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "shm/segment.h"

namespace logbus::shm {

/// Worker's side, cold: the reader has said that it sleeps. At most one system call.
void ring(SharedControl& shared) noexcept;

/// The reader's side: one object per lease holder.
class Doorbell {
 public:
  explicit Doorbell(const Segment& segment);

  /// A barrier on every running worker. False: this kernel has none, the caller must not trust fresh stamps
  /// and must poll.
  bool barrier() noexcept { return passed_ = has_membarrier_ && barrier_now(); }

  /// Wakes the writers that wait for room and whose lane's read position has moved since they were last
  /// woken.
  void wake_blocked() noexcept;

  /// Sleeping takes four steps, in this order: announce_sleep(), barrier(), a look at all lanes that finds
  /// nothing, sleep(). After the barrier every worker either has published what it had, which the look finds,
  /// or sees the announcement and rings. So a pass of the merge in between is the barrier and the look.
  void announce_sleep() noexcept;
  /// The look has found something.
  void stay_awake() noexcept;
  /// Until a worker rings, at most `timeout`; not at all if one has rung since the announcement. Where the
  /// barrier has failed at most a millisecond.
  void sleep(std::chrono::nanoseconds timeout) noexcept;

  /// Ends a sleep(), or the next one if announced, from a signal handler or another thread.
  void interrupt() noexcept;

 private:
  static bool barrier_now() noexcept;

  const Segment& segment_;
  bool has_membarrier_;
  bool passed_ = false;                  // the last barrier
  std::vector<std::uint64_t> woken_at_;  // read position at the last wake of each lane
};

}  // namespace logbus::shm
