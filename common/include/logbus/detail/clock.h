// SPDX-License-Identifier: MIT
// The bus's clock: one source for all processes of a bus, named in its preamble.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include <logbus/detail/abi.h>
#include <logbus/detail/layout.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

inline std::uint64_t clock_ns(clockid_t id) noexcept {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

/// Ticks of `source`. Not serialising: on x86 the reader's membarrier stands in for that (FORMAT.md,
/// "Order").
inline std::uint64_t read_ticks(ClockSource source) noexcept {
#if defined(__x86_64__)
  if (source == ClockSource::kTsc) [[likely]]
    return __rdtsc();
#endif
  (void)source;
  return clock_ns(CLOCK_MONOTONIC);
}

/// Orders earlier stores before a later read_ticks(), for a process that has no membarrier.
inline void fence_before_clock() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__x86_64__)
  _mm_lfence();  // rdtsc is not ordered by a full fence
#endif
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
