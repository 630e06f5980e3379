// SPDX-License-Identifier: MIT
// A segment that somebody truncates must not kill those who have it mapped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <logbus/detail/layout.h>

namespace logbus::shm {

/// A SIGBUS in what is guarded puts a page of zeros where the file has none any more, remembers it, and sets
/// RETIRED in the segment, so that all who have it go to another one; then the instruction runs again. What a
/// reader finds in such a page fails its checks, what a writer writes there is lost. Any other SIGBUS does
/// what it would have done.
///
/// A process that handles SIGBUS itself is left alone, unless it is a sidecar. Nothing is inherited by a
/// forked child, which has none of these mappings.
class SigbusGuard {
 public:
  struct Range {
    const void* begin = nullptr;
    std::size_t size = 0;
    int protection = 0;  // as of mmap
  };
  static constexpr std::size_t kRanges = 3;

  SigbusGuard() = default;
  /// Guards a segment's mappings until destruction. `owns_signals`: this process is logbus's alone.
  SigbusGuard(const Range (&ranges)[kRanges], detail::Word32& attention, bool owns_signals) noexcept;
  ~SigbusGuard();
  SigbusGuard(SigbusGuard&& other) noexcept;
  SigbusGuard& operator=(SigbusGuard&& other) noexcept;

  /// Part of the file is gone.
  bool hit() const noexcept;

  /// The calling thread's lane, of a segment that is guarded; null: none. One at a time.
  static void guard_lane(const void* begin, std::size_t size, detail::Word32* attention) noexcept;

 private:
  int entry_ = -1;
};

}  // namespace logbus::shm
