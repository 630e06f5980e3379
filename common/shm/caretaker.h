// SPDX-License-Identifier: MIT
// The lease holder's housekeeping: who is dead, which lanes and steps come back, what the budget really is.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/unique_fd.h"
#include "shm/segment.h"

namespace logbus::shm {

/// Holds the bus's lease (a kernel lock, never a matter of age) from construction to destruction.
class Caretaker {
 public:
  /// Throws Error(EBUSY) naming the holder if another sidecar has the lease. Applies the run-time `options`.
  Caretaker(const Segment& segment, const BusOptions& options, const std::string& config_path);
  ~Caretaker();
  Caretaker(const Caretaker&) = delete;
  Caretaker& operator=(const Caretaker&) = delete;

  /// Permissions, group, memory, overflow and times of `options`, from now on. Throws Error.
  void apply(const BusOptions& options);

  /// Once a pass or so; does nothing most of the time. Heartbeat, a few slots' locks, and every
  /// kSweepInterval the lanes: those given back are freed, idle memory is punched, the budget recomputed.
  void look_after();
  /// The same, all of it, now.
  void sweep_all();

  /// The slot's process is known to be dead, and nobody has the slot since. Its lanes get no more frames.
  bool is_dead(std::uint32_t slot) const noexcept {
    return dead_[slot].since_ns != 0 &&
           dead_[slot].word == segment_.slot(slot).word.load(std::memory_order_acquire);
  }
  /// Makes the lane nobody's, with nothing in it: its memory goes, and it begins afresh at `position`, which
  /// all frames before have been read up to. For a lane whose words make no sense. False: its word has just
  /// changed, ask again.
  bool take_over(std::uint32_t lane, std::uint64_t position) noexcept;
  /// Whether any worker is attached (by the kernel's locks).
  bool any_worker() const noexcept;
  /// The file is as long as it was made, and what never becomes zero in its tables has not.
  bool file_is_whole() const noexcept;
  /// Nobody has got the lease after this one. The kernel sees to that, unless this file system's locks are
  /// none, or the lease holder's pages have been written by somebody else: then nothing here is ours any
  /// more.
  bool has_lease() const noexcept {
    return segment_.consumer().epoch.load(std::memory_order_relaxed) <= epoch_;
  }
  /// Another sidecar waits for this one's lease, and lives.
  bool handover_requested() const noexcept;
  /// The budget is more than three quarters used.
  bool memory_is_short() const noexcept;

 private:
  void heartbeat() noexcept;
  void sweep_lanes();
  void check_slot(std::uint32_t slot);
  std::uint64_t look_after_lane(std::uint32_t lane);
  void trim_step(std::uint32_t lane, std::uint32_t step);
  void finish_punching(std::uint32_t lane, std::uint32_t step);
  bool has_unread(std::uint32_t lane, std::uint32_t step) const noexcept;
  void punch(std::uint32_t lane, std::uint32_t step);
  void reclaim_hidden_memory(std::uint64_t used);
  void wipe_free_lane(std::uint32_t lane) noexcept;

  const Segment& segment_;
  LifeLock lease_;
  std::uint64_t epoch_ = 0;   // of this holder
  base::UniqueFd fd_;         // for punching and for testing locks
  std::uint64_t now_ns_ = 0;  // monotonic, of this look
  std::uint64_t next_look_ns_ = 0;
  std::uint64_t next_sweep_ns_ = 0;
  std::uint64_t next_count_ns_ = 0;  // of the memory that the file has
  std::uint32_t next_slot_ = 0;
  struct Death {
    std::uint64_t since_ns = 0;  // monotonic; 0: alive as far as we know
    std::uint64_t word = 0;      // the slot's; a later tenant has another generation
  };
  std::vector<Death> dead_;            // by slot
  std::vector<std::uint64_t> memory_;  // by slot, while a sweep counts
  struct Activity {
    std::uint64_t committed = 0;
    std::uint64_t since_ns = 0;  // monotonic: when it had moved on to there
    bool used = false;           // it has had a tenant
  };
  std::vector<Activity> activity_;  // by lane
};

}  // namespace logbus::shm
