// SPDX-License-Identifier: MIT
// What no log call can be cheaper than: one clock read, one store of a frame, one release store, in private
// memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <logbus/detail/clock.h>

namespace logbus::bench {

class Floor {
 public:
  /// Reads the clock as a writer on this machine's buses does.
  explicit Floor(detail::ClockSource clock) : clock_(clock), memory_(kBytes + kLongest) {}

  /// For two ints and a double: 48 bytes.
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
    publish(sizeof frame);
  }

  /// For a string of at most kLongest bytes: header, length, a copy of it. A `const char*` costs its strlen
  /// here.
  void store(std::string_view text) noexcept {
    struct {
      std::uint32_t size, tag;
      std::uint64_t ticks;
      std::uint64_t length;
    } header{static_cast<std::uint32_t>(text.size()), 1, detail::read_ticks(clock_), text.size()};
    std::byte* const to = memory_.data() + position_ % kBytes;
    std::memcpy(to, &header, sizeof header);
    std::memcpy(to + sizeof header, text.data(), text.size());
    publish((sizeof header + text.size() + 7) & ~std::size_t{7});
  }

 private:
  // What a lane that keeps up uses: its first step.
  static constexpr std::size_t kBytes = 48 * 170;
  static constexpr std::size_t kLongest = 2048;

  void publish(std::size_t bytes) noexcept {
    position_ += bytes;
    committed_.store(position_, std::memory_order_release);
  }

  detail::ClockSource clock_;
  std::vector<std::byte> memory_;
  std::uint64_t position_ = 0;
  alignas(64) std::atomic<std::uint64_t> committed_{0};
};

}  // namespace logbus::bench
