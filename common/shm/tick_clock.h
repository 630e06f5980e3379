// SPDX-License-Identifier: MIT
// Stamps of a bus become wall time.
#pragma once

#include <cstdint>
#include <vector>

#include <logbus/detail/layout.h>

namespace logbus::shm {

/// Clocks read together.
struct ClockReading {
  std::uint64_t ticks = 0;
  std::uint64_t realtime_ns = 0;
  std::uint64_t monotonic_ns = 0;  // 0: was not read
};

/// Turns ticks into nanoseconds since the epoch. On a bus of this boot the anchor is the present, so that the
/// wall clock's steps are followed as the writers' own would have been; for an older segment it is the
/// reading, among those left in it, that lies nearest to the stamp. One thread.
class TickClock {
 public:
  explicit TickClock(const detail::Preamble& preamble);
  /// For a fixed segment and time in tests: `of_this_boot` false never reads a clock.
  TickClock(const detail::Preamble& preamble, bool of_this_boot);

  /// A reading that somebody left in the segment: a heartbeat, a process's attachment. Of no use on a bus of
  /// this boot.
  void add(const ClockReading& reading);
  /// Reads the clocks anew (about 100 ns); call it about once a pass. No effect on a segment of an earlier
  /// boot.
  void refresh() noexcept;
  /// Stamps that do not decrease give times that do not, unless the wall clock was set back by more than a
  /// millisecond.
  std::int64_t to_ns(std::uint64_t ticks) noexcept;

  bool of_this_boot() const noexcept { return of_this_boot_; }
  double ns_per_tick() const noexcept { return ns_per_tick_; }

 private:
  const ClockReading& nearest(std::uint64_t ticks) const noexcept;
  void set_rate(const ClockReading& from, const ClockReading& to) noexcept;

  detail::ClockSource source_;
  bool of_this_boot_;
  double guess_ns_per_tick_;
  double ns_per_tick_;
  ClockReading created_;
  std::vector<ClockReading> readings_;  // by ticks; one alone on a bus of this boot
  std::uint64_t last_ticks_ = 0;
  std::int64_t last_ns_ = 0;
};

/// With all the readings that a segment, or a copy of its tables, holds.
template <class Tables>
TickClock clock_of(const Tables& segment) {
  TickClock clock(segment.preamble());
  const detail::ConsumerControl& control = segment.consumer();
  clock.add({control.heartbeat_ticks.load(std::memory_order_relaxed),
             control.heartbeat_realtime_ns.load(std::memory_order_relaxed),
             control.heartbeat_monotonic_ns.load(std::memory_order_relaxed)});
  for (std::uint32_t i = 0; i < segment.slots(); ++i) {
    const detail::ProcessSlot& slot = segment.slot(i);
    if (detail::slot_state(slot.word.load(std::memory_order_relaxed)) == detail::SlotState::kLive)
      clock.add({slot.attach_ticks.load(std::memory_order_relaxed),
                 slot.attach_realtime_ns.load(std::memory_order_relaxed), 0});
  }
  return clock;
}

}  // namespace logbus::shm
