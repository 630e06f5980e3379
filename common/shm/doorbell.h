// SPDX-License-Identifier: MIT
// How a worker wakes the reader, and a reader wakes workers that wait for room.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
  bool barrier() const noexcept { return has_membarrier_ && barrier_now(); }
  bool has_membarrier() const noexcept { return has_membarrier_; }

  /// Wakes the writers that wait for room and whose lane's read position has moved since they were last
  /// woken.
  void wake_blocked() noexcept;

  /// Sleeps until a worker rings, at most `timeout`; not at all if `anything_new` (asked after SLEEPING is up
  /// and the barrier has passed) finds work. Without membarrier it sleeps at most a millisecond.
  void wait(std::chrono::nanoseconds timeout, const std::function<bool()>& anything_new);

  /// Ends a wait() from a signal handler or another thread.
  void interrupt() noexcept;

 private:
  static bool barrier_now() noexcept;

  const Segment& segment_;
  bool has_membarrier_;
  std::vector<std::uint64_t> woken_at_;  // read position at the last wake of each lane
};

}  // namespace logbus::shm
