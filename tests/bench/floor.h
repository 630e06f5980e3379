// SPDX-License-Identifier: MIT
// What no log call can be cheaper than: one clock read, one 48-byte store, one release store, in private
// memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <logbus/detail/clock.h>

namespace logbus::bench {

class Floor {
 public:
  /// Reads the clock as a writer on this machine's buses does.
  explicit Floor(detail::ClockSource clock) : clock_(clock), memory_(kBytes) {}

  void store(std::int32_t a, std::int32_t b, double c) noexcept {
    // 16 bytes of header and 32 for two ints and a double with what surrounds them: a frame of the bus.
    struct {
      std::uint32_t size, tag;
      std::uint64_t ticks;
      std::int64_t a, b;
      double c;
      std::uint64_t rest;
    } frame{48, 1, detail::read_ticks(clock_), a, b, c, 0};
    static_assert(sizeof frame == 48);
    std::memcpy(memory_.data() + position_ % kBytes, &frame, sizeof frame);
    position_ += sizeof frame;
    committed_.store(position_, std::memory_order_release);
  }

 private:
  // What a lane that keeps up uses: its first step.
  static constexpr std::size_t kBytes = 48 * 170;

  detail::ClockSource clock_;
  std::vector<std::byte> memory_;
  std::uint64_t position_ = 0;
  alignas(64) std::atomic<std::uint64_t> committed_{0};
};

/// The clock that a bus on this machine gets. Its benchmarks time with it as well.
detail::ClockSource bus_clock();
/// Nanoseconds a tick of it takes, measured against CLOCK_MONOTONIC_RAW over 50 ms.
double ns_per_tick(detail::ClockSource clock);

}  // namespace logbus::bench
