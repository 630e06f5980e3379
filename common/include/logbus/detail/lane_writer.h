// SPDX-License-Identifier: MIT
// The hot half of a lane's writer: one thread puts frames into its own lane.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <logbus/detail/abi.h>
#include <logbus/detail/clock.h>
#include <logbus/detail/layout.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// One thread's writer. All zero means "no lane": a forked child finds its copy wiped by the kernel, so its
/// first room test fails (limit == 0) and it attaches afresh.
///
///   data: |....frames of this lap....|       free       |  not ours  |
///         0                     position - newest     limit         lane_size
///
/// A record: begin() -> write the payload where it points -> commit(). Nothing between may fail or run user
/// code.
struct LaneWriter {
  std::byte* data;
  std::uint64_t position;  // one past the last frame; counts real bytes, never goes back
  std::uint64_t newest;    // position at offset 0 of the current lap
  std::uint64_t limit[2];  // offsets this thread may write up to: below WARNING, from WARNING on
  std::uint64_t last_ticks;
  std::uint64_t records;
  ProducerLine* line;
  const Word32* attention;
  ClockSource clock;
  std::uint32_t nested;  // a record is being written: a signal handler that comes now must not touch the lane
  std::uint32_t frame_size;
  std::uint32_t fenced;  // no membarrier registration: fence here instead

  static constexpr std::uint32_t frame_bytes(std::uint32_t payload) noexcept {
    return (static_cast<std::uint32_t>(sizeof(FrameHeader)) + payload + kFrameAlign - 1) & ~(kFrameAlign - 1);
  }

  /// Takes the lane for one record. False: a signal handler came in the middle of another one; count kNested.
  bool enter() noexcept {
    if (nested != 0) [[unlikely]]
      return false;
    nested = 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return true;
  }
  void leave() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    nested = 0;
  }

  /// Whether a frame of `size` bytes fits now. After enter(). If not: the slow path, then ask again.
  bool has_room(std::uint32_t size, std::size_t severity) const noexcept {
    return position - newest + size <= limit[severity >= kReserveSeverity];
  }

  /// Where the payload goes. After has_room(). From here on the record is "in flight" for those who look.
  std::byte* begin(std::uint32_t size, std::uint32_t tag) noexcept {
    // Relaxed: the compiler's order is enough for dump, which looks only after a death.
    line->busy.store(kBusyWriting | tag << 2, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::byte* frame = data + (position - newest);
    const FrameHeader header{size, tag, 0};
    std::memcpy(frame, &header, sizeof(std::uint64_t));
    frame_size = size;
    return frame + sizeof(FrameHeader);
  }

  /// Stamps and publishes. True: look at `attention` (wake the reader, move to another segment).
  [[nodiscard]] bool commit() noexcept {
    // Phase 2 before the clock is read: a reader that sees another phase after its membarrier knows that this
    // stamp will be later than the time it took before the membarrier.
    line->busy.store(kBusyStamping | (line->busy.load(std::memory_order_relaxed) & ~kBusyPhaseMask),
                     std::memory_order_relaxed);
    if (fenced != 0) [[unlikely]]
      fence_before_clock();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::uint64_t ticks = read_ticks(clock);
    if (ticks <= last_ticks) [[unlikely]]
      ticks = last_ticks + 1;
    std::memcpy(data + (position - newest) + offsetof(FrameHeader, ticks), &ticks, sizeof ticks);
    last_ticks = ticks;
    position += frame_size;
    ++records;
    // A count for people, and for how many a ring has overwritten. Before the commit: who is killed between
    // the two has a record counted that was never there, not one uncounted that was.
    line->records.store(records, std::memory_order_relaxed);
    // Release: pairs with the reader's acquire of committed; the frame (and a gap frame before it) becomes
    // visible.
    line->committed.store(position, std::memory_order_release);
    line->busy.store(0, std::memory_order_release);
    if (fenced != 0) [[unlikely]]
      std::atomic_thread_fence(std::memory_order_seq_cst);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // Relaxed: the reader's membarrier, after it has set SLEEPING and before it looks again, stands in for a
    // fence.
    const std::uint32_t bits = attention->load(std::memory_order_relaxed);
    // Last: from here on a signal handler may take this thread to another bus.
    leave();
    return bits != 0;
  }
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
